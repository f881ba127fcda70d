//! Configurations, good and bad.

use super::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL5VZEYsif+Ozs4Sr8EKtm8kfpjeQI/aUG+HyRoNeT21 joe@board";

fn parse(endpoint: &Value, users: &Value) -> Result<Config, String> {
    Config::parse(&json!({"endpoint": endpoint, "users": users})).map_err(|error| error.to_string())
}

fn tcp(endpoint: &Value) -> Result<SocketAddr, String> {
    match parse(endpoint, &json!([{"user": "joe", "password": "x"}]))?.endpoint {
        Endpoint::Tcp { address, .. } => Ok(address),
        Endpoint::Unix { .. } => panic!("not TCP"),
    }
}

#[test]
fn loopback_unless_an_interface_is_named() {
    for (endpoint, address) in [
        (json!({"type": "tcp", "port": 6022}), "127.0.0.1:6022"),
        (json!({"type": "tcp", "port": 0, "version": 6}), "[::1]:0"),
        (json!({"type": "tcp", "port": 1, "interface": "localhost", "version": 4}), "127.0.0.1:1"),
        (json!({"type": "tcp", "port": 1, "interface": "0.0.0.0"}), "0.0.0.0:1"),
        (json!({"type": "tcp", "port": 1, "interface": "::", "version": 6}), "[::]:1"),
    ] {
        assert_eq!(tcp(&endpoint).unwrap().to_string(), address);
    }
}

#[test]
fn errors_name_the_key_and_what_was_expected() {
    let joe = json!([{"user": "joe", "password": "x"}]);
    let port = json!({"type": "tcp", "port": 1});
    for (endpoint, users, sentence) in [
        (json!(5), &joe, "endpoint: expected a dict, got a number"),
        (json!({}), &joe, "endpoint.type: expected a value, got none"),
        (json!({"type": "udp"}), &joe, "endpoint.type: expected \"tcp\" or \"unix\", got \"udp\""),
        (json!({"type": "tcp"}), &joe, "endpoint.port: expected a value, got none"),
        (
            json!({"type": "tcp", "port": 65536}),
            &joe,
            "endpoint.port: expected a port, 0 (any free one) to 65535, got 65536",
        ),
        (
            json!({"type": "tcp", "port": true}),
            &joe,
            "endpoint.port: expected a port, 0 (any free one) to 65535, got true",
        ),
        (json!({"type": "tcp", "port": 1, "version": 5}), &joe, "endpoint.version: expected 4 or 6, got 5"),
        (
            json!({"type": "tcp", "port": 1, "interface": "127.0.0.1", "version": 6}),
            &joe,
            "endpoint.version: expected the version of endpoint.interface, got 127.0.0.1",
        ),
        (
            json!({"type": "tcp", "port": 1, "interface": "eth0"}),
            &joe,
            "endpoint.interface: expected an IP address, like 127.0.0.1 or ::, got \"eth0\"",
        ),
        (
            json!({"type": "tcp", "port": 1, "backlog": 0}),
            &joe,
            "endpoint.backlog: expected a number from 1 to 65535, got 0",
        ),
        (
            json!({"type": "tcp", "port": 1, "tls": {}}),
            &joe,
            "endpoint.tls: expected no key but type, port, interface, backlog, version",
        ),
        (json!({"type": "unix", "path": ""}), &joe, "endpoint.path: expected a path of 1 to 107 bytes, got \"\""),
        (port.clone(), &json!([]), "users: expected 1 to 64 users, got 0"),
        (port.clone(), &json!({}), "users: expected a list of users, got a dict"),
        (port.clone(), &json!(["joe"]), "users[0]: expected a dict, got a string"),
        (port.clone(), &json!([{"user": "joe"}]), "users[0]: expected a password or authorized_keys, got neither"),
        (
            port.clone(),
            &json!([{"user": "", "password": "x"}]),
            "users[0].user: expected 1 to 256 bytes of printable characters, got \"\"",
        ),
        (
            port.clone(),
            &json!([{"user": "joe", "password": ["hunter2"]}]),
            "users[0].password: expected a string, got a list",
        ),
        (
            port.clone(),
            &json!([{"user": "joe", "password": ""}]),
            "users[0].password: expected 1 to 1024 bytes, got 0 bytes",
        ),
        (port.clone(), &json!([joe[0], joe[0]]), "users[1].user: expected every user once, got \"joe\" twice"),
        (
            port.clone(),
            &json!([{"user": "joe", "authorized_keys": [5]}]),
            "users[0].authorized_keys[0]: expected a string, got a number",
        ),
        (
            port.clone(),
            &json!([{"user": "joe", "authorized_keys": []}]),
            "users[0].authorized_keys: expected 1 to 256 keys, got 0",
        ),
        (
            port.clone(),
            &json!([{"user": "joe", "authorized_keys": {}}]),
            "users[0].authorized_keys.file: expected a value, got none",
        ),
        (
            port.clone(),
            &json!([{"user": "joe", "role": "x"}]),
            "users[0].role: expected no key but user, password, authorized_keys",
        ),
    ] {
        assert_eq!(parse(&endpoint, users).unwrap_err(), sentence);
    }
    let error = parse(&port, &json!([{"user": "joe", "authorized_keys": ["no key"]}])).unwrap_err();
    assert!(error.starts_with("users[0].authorized_keys[0]: expected a public key"), "{error}");
    let sentence = Config::parse(&json!({"endpoint": port, "users": joe, "x": 1})).unwrap_err().to_string();
    assert_eq!(sentence, "x: expected no key but endpoint, users");
}

#[test]
fn what_is_told_has_no_password_and_the_port_that_was_bound() {
    let users = json!([
        {"user": "joe", "password": "hunter2", "authorized_keys": [KEY]},
        {"user": "ann", "authorized_keys": {"file": "/etc/keys"}},
    ]);
    let config = parse(&json!({"port": 0, "backlog": 5, "type": "tcp"}), &users).unwrap();
    let expected = format!(
        r#"{{"endpoint":{{"type":"tcp","port":6022,"backlog":5}},"users":[{{"user":"joe","password":null,"authorized_keys":["{KEY}"]}},{{"user":"ann","authorized_keys":{{"file":"/etc/keys"}}}}]}}"#
    );
    let mut public = config.public();
    public.set_port(6022);
    assert_eq!(serde_json::to_string(&public).unwrap(), expected);
    let config = parse(&json!({"type": "unix", "path": "/run/m"}), &users).unwrap();
    let told = serde_json::to_string(&config.public()).unwrap();
    assert!(told.starts_with(r#"{"endpoint":{"type":"unix","path":"/run/m"}"#) && !told.contains("hunter2"), "{told}");
}

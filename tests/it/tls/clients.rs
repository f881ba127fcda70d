//! Clients of a router with TLS: who gets in, and what the others are told.

use std::fs;

use super::{assert_answered, assert_unreachable, call, file, serve, serve_with};
use crate::support::{Program, run, wampproc};

#[test]
fn websocket_and_rawsocket_over_tls_and_nothing_without() {
    let (_router, authority) = serve("server", &[]);
    let port = authority.rsplit_once(':').unwrap().1;
    let ca = file("authority.pem");
    for url in [format!("wss://{authority}/ws"), format!("wss://localhost:{port}/ws"), format!("rss://{authority}")] {
        assert_answered(&call(&url, &["--ca", &ca]));
    }
    let end = call(&format!("ws://{authority}/ws"), &[]);
    assert_unreachable(&end, "got HTTP 400 Bad Request: expected TLS, got plain HTTP");
    assert_unreachable(&call(&format!("rs://{authority}"), &[]), "");
}

#[test]
fn a_client_with_tls_is_told_of_a_router_without() {
    let mut router = Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0"]));
    let ready = router.line();
    let authority = ready.strip_prefix("ready ws://").unwrap().split('/').next().unwrap();
    let end = call(&format!("wss://{authority}/ws"), &["--ca", &file("authority.pem")]);
    assert_unreachable(&end, "expected TLS, got HTTP: the port seems to speak ws:// and not wss://");
}

#[test]
fn a_router_that_is_not_who_it_says_is_told_of() {
    let ca = file("authority.pem");
    let (_router, authority) = serve("server", &[]);
    let url = format!("wss://{authority}/ws");
    assert_unreachable(&call(&url, &["--ca", &file("stranger.pem")]), "by an authority that is trusted here");
    assert_unreachable(&call(&url, &[]), "by an authority that is trusted here");
    let mut trusting = wampproc(["call", "--url", &url, "wamp.session.count"]);
    trusting.env("SSL_CERT_FILE", &ca);
    assert_answered(&Program::spawn(trusting).end());
    let (_expired, expired) = serve("expired", &[]);
    assert_unreachable(&call(&format!("wss://{expired}/ws"), &["--ca", &ca]), "expired on 2020-06-01");
    let (server, key) = (file("server.pem"), file("server.key"));
    let (_other, other) = serve_with(&["--listen", "127.0.0.2:0", "--tls-cert", &server, "--tls-key", &key]);
    let url = format!("rss://{other}");
    assert_unreachable(&call(&url, &["--ca", &ca]), "expected a certificate of 127.0.0.2, got one of localhost");
    let end = call(&url, &["--tls-insecure"]);
    assert_answered(&end);
    assert_eq!(end.stderr.matches("WARN").count(), 2, "{}", end.stderr);
    assert!(end.stderr.contains("this connection is not secure"), "{}", end.stderr);
}

#[test]
fn a_router_may_ask_who_the_client_is() {
    let ca = file("authority.pem");
    let (_router, authority) = serve("server", &["--tls-client-ca", &ca]);
    let shown = |name: &str| [file(&format!("{name}.pem")), file(&format!("{name}.key"))];
    for url in [format!("wss://{authority}/ws"), format!("rss://{authority}")] {
        let with = |[cert, key]: [String; 2]| call(&url, &["--ca", &ca, "--cert", &cert, "--key", &key]);
        assert_answered(&with(shown("client")));
        let refused = with(shown("unknown"));
        assert_unreachable(&refused, "the peer refuses TLS with us: it does not trust the authority");
        let refused = call(&url, &["--ca", &ca]);
        assert_unreachable(&refused, "the peer refuses TLS with us: it expects a certificate of ours, and got none");
    }
}

#[test]
fn an_agent_joins_over_tls_and_long_messages_pass() {
    let ca = file("authority.pem");
    let (_router, authority) = serve("server", &[]);
    let path = std::env::temp_dir().join(format!("wampproc-it-{}-tls-long", std::process::id()));
    let bytes: Vec<u8> = (0..750_000).map(|index| (index % 251) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    for url in [format!("wss://{authority}/ws"), format!("rss://{authority}")] {
        let mut agent = Program::spawn(wampproc(["join", &url, "--ca", &ca, "--node", "board", "--worker", "pump"]));
        let ready = agent.line();
        assert!(ready.starts_with(&format!("ready {url}")), "{ready}");
        let procedure = "crossbar.worker.pump.get_process_info";
        let end = run(["call", "--url", &url, "--ca", &ca, procedure]);
        assert_eq!(end.code, Some(0), "{}", end.stderr);
        assert!(end.text().contains(&agent.id().to_string()), "{}", end.text());
        let mut subscriber = Program::spawn(wampproc([
            "subscribe",
            "--url",
            &url,
            "--ca",
            &ca,
            "--count",
            "2",
            "--log-level",
            "debug",
            "com.example.long",
        ]));
        subscriber.wait_for_log("subscribed");
        for _ in 0..2 {
            let end =
                run(["publish", "--url", &url, "--ca", &ca, "--ack", "com.example.long", "-b", path.to_str().unwrap()]);
            assert_eq!(end.code, Some(0), "{}", end.stderr);
        }
        let end = subscriber.end();
        assert_eq!(end.code, Some(0), "{}", end.stderr);
        // Bytes are base64 in JSON, 4 for 3.
        assert!(end.text().lines().all(|line| line.len() > 1_000_000), "{}", end.text().len());
        assert_eq!(end.text().lines().count(), 2);
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn flags_that_do_not_go_together_are_usage_errors() {
    let (ca, cert, key) = (file("authority.pem"), file("server.pem"), file("server.key"));
    let usage = |arguments: &[&str], told: &str| {
        let end = run(arguments);
        assert_eq!(end.code, Some(2), "{arguments:?}: {}", end.stderr);
        assert!(end.stderr.contains(told), "{arguments:?}: {}", end.stderr);
    };
    usage(&["call", "--ca", &ca, "a.b"], "--ca: expected a URL with TLS, wss:// or rss://, got ws://");
    usage(&["call", "--tls-insecure", "a.b"], "--tls-insecure: expected a URL with TLS");
    usage(&["join", "wss://127.0.0.1:9/", "--cert", &cert], "--key");
    usage(
        &["join", "wss://127.0.0.1:9/", "--cert", &cert, "--key", &cert],
        "--key: expected an unencrypted private key",
    );
    usage(&["join", "wss://127.0.0.1:9/", "--ca", &ca, "--tls-insecure"], "--tls-insecure");
    usage(&["join", "wss://127.0.0.1:9/", "--ca", &key], "--ca: expected certificates of authorities in PEM, got none");
    usage(&["serve", "--tls-cert", &cert], "--tls-key");
    usage(&["serve", "--tls-cert", &cert, "--tls-key", &file("client.key")], "expected the certificate's private key");
    usage(&["serve", "--tls-cert", "/nowhere", "--tls-key", &key], "cannot read /nowhere (--tls-cert): No such file");
    usage(&["serve", "--tls-client-ca", &ca], "--tls-cert");
}

//! Who comes by TLS, with a certificate that an authority for clients has issued.

use std::fs;
use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Home, assert_refused, call, session_of, value};
use crate::support::{Program, wampproc};

/// The path of a certificate or key of the tests.
fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls/certificates").join(name);
    path.to_str().unwrap().to_owned()
}

/// SHA-256 of what stands between the lines of PEM.
fn fingerprint(certificate: &str) -> String {
    let pem = fs::read_to_string(file(certificate)).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = Base64::decode_vec(&base64).unwrap();
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_client_with_a_certificate_logs_in_without_a_secret() {
    let directory = Home::new();
    directory.write(&json!({
        "board": {"role": "agent", "tls": [{"name": "board-7.example"}, {"name": "board-9.example"}]},
        "boss": {"role": "admin", "tls": [{"sha256": fingerprint("client.pem")}]},
        "stranger": {"role": "admin", "tls": [{"sha256": fingerprint("unknown.pem")}, {"name": "board-8.example"}]},
    }));
    let (ca, chain, key) = (file("authority.pem"), file("server.pem"), file("server.key"));
    let tls = ["--tls-cert", &chain, "--tls-key", &key, "--tls-client-ca", &ca];
    let (mut router, url) = directory.serve(&tls);
    assert!(url.starts_with("wss://"), "{url}");
    let shown = ["--ca", &ca, "--cert", &file("client.pem"), "--key", &file("client.key")];

    for url in [url.clone(), url.replace("wss://", "rss://").replace("/ws", "")] {
        // The certificate says more than its name.
        assert_eq!(value(&call(&url, &[&["wamp.session.count"], &shown[..]].concat())), 2);
        let asked = ["--auth", "anonymous", "--authid", "board"];
        let mut agent = Program::spawn(wampproc(
            [&["join", &url, "--node", "board", "--worker", "pump"], &asked[..], &shown].concat(),
        ));
        assert!(agent.line().starts_with(&format!("ready {url}")));
        let known = session_of("agent", &url, &shown);
        let told = ["authid", "authrole", "authmethod", "authprovider"].map(|key| known[key].as_str().unwrap());
        assert_eq!(told, ["board", "agent", "anonymous", "tls"], "{known}");
        let asked = ["--auth", "anonymous", "--authid", "stranger"];
        let end = call(&url, &[&["wamp.session.count"], &asked[..], &shown].concat());
        assert_refused(&end, "wamp.error.no_auth_method");
    }
    router.wait_for_log(&format!("has the certificate {}", fingerprint("client.pem")));

    // By the socket there is no certificate, and no rule for a process.
    assert_refused(&call(&directory.url(), &["wamp.session.count"]), "wamp.error.no_auth_method");
}

//! How clients and agents hold on to their routers: serializations, several routers, what the outside sees of it.

mod drops;
mod reconnecting;
mod serializers;
mod stats;
mod systemd;

use crate::support::{Program, wampproc};

/// `serve` at this address, ready, and its URL.
fn serve(listen: &str) -> (Program, String) {
    let mut program = Program::spawn(wampproc(["serve", "--listen", listen, "--worker", "router"]));
    let url = program.line().split(' ').nth(1).unwrap().to_owned();
    (program, url)
}

/// The same router's URL for a RawSocket.
fn raw(url: &str) -> String {
    url.replace("ws://", "rs://").trim_end_matches("/ws").to_owned()
}

//! As few descriptors as a container may give.

use std::net::TcpStream;

use super::client::connect_from;
use super::program::Serve;
use crate::support::run;

#[test]
fn with_few_descriptors_strangers_leave_some_to_others_and_to_the_agent() {
    let serve = Serve::start_with_descriptors(256);
    // More than there can be, and none of them says anything.
    let mute: Vec<TcpStream> = (0..300).map(|_| connect_from([127, 0, 0, 2], serve.address)).collect();
    for procedure in ["get_process_info", "get_process_threads", "get_process_limits"] {
        let end = run(["call", &format!("crossbar.worker.wampproc.{procedure}"), "--url", &serve.url]);
        assert_eq!(end.code, Some(0), "{procedure}: {}", end.stderr);
    }
    drop(mute);
}

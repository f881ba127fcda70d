//! Traffic of the network interfaces, from `/proc/net/dev` (proc_pid_net(5)). Pure.

use std::collections::BTreeMap;

use procfs::FromRead;
use serde::Serialize;

use crate::terminal::printable;

/// What an interface sent and received since it came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceTraffic {
    /// Sent.
    pub out: InterfaceIo,
    /// Received.
    #[serde(rename = "in")]
    pub received: InterfaceIo,
}

/// Traffic one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceIo {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}

/// By name; what a terminal would act on in it is escaped.
pub(super) fn traffic(text: &str) -> Option<BTreeMap<String, InterfaceTraffic>> {
    let procfs::net::InterfaceDeviceStatus(interfaces) =
        procfs::net::InterfaceDeviceStatus::from_read(text.as_bytes()).ok()?;
    let traffic = interfaces.into_values().map(|seen| {
        let out = InterfaceIo {
            bytes: seen.sent_bytes,
            packets: seen.sent_packets,
            errors: seen.sent_errs,
            dropped: seen.sent_drop,
        };
        let received = InterfaceIo {
            bytes: seen.recv_bytes,
            packets: seen.recv_packets,
            errors: seen.recv_errs,
            dropped: seen.recv_drop,
        };
        (printable(&seen.name).into_owned(), InterfaceTraffic { out, received })
    });
    let mut by_name = BTreeMap::new();
    by_name.extend(traffic);
    Some(by_name)
}

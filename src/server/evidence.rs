//! What a connection says about who is at its other end, for the router's rules: asked of the kernel and of TLS.

use super::peer::Place;
use crate::router::{Evidence, Fingerprint};
use crate::transport::peer_groups;
use crate::transport::socket::Socket;
use crate::transport::stream::Stream;

/// Of a connection from there. `names` are those of certificates that matter.
pub(super) fn of<'a>(stream: &Stream, place: Place, names: impl Iterator<Item = &'a str>) -> Evidence {
    match (place, stream.socket()) {
        (Place::Local(peer), Socket::Unix(socket)) => {
            // Then rules about groups hold for the one that it has as its own.
            let groups = peer_groups::of(socket).unwrap_or_else(|error| {
                log::warn!("{place}: its supplementary groups are not known: {error}");
                Vec::new()
            });
            Evidence::Process { user: peer.uid, group: peer.gid, groups }
        }
        (Place::Remote(_), _) => match stream.peer_certificate() {
            Some(certificate) => {
                let fingerprint = Fingerprint::of(certificate.der());
                log::info!("{place}: has the certificate {fingerprint}");
                let names = certificate.names_among(names).into_iter().map(str::to_owned).collect();
                Evidence::Certificate { fingerprint, names }
            }
            None => Evidence::None,
        },
        _ => Evidence::None,
    }
}

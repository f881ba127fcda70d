//! One way of a connection: the keys that protect its packets, the number of the next packet, and how much the keys were used
//! for (RFC 4253, sections 6.4 and 9).

use super::cipher::Protection;
use super::config::RekeyLimits;

/// One way, in or out.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) protection: Protection,
    /// The number of the next packet.
    pub(super) sequence: u32,
    volume: Volume,
}

impl Way {
    /// Before the first key exchange.
    pub(super) fn plain() -> Self {
        Self { protection: Protection::Plain, sequence: 0, volume: Volume::default() }
    }

    /// A packet of so many bytes went.
    pub(super) fn count(&mut self, bytes: usize) {
        self.volume.add(bytes);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// From the next packet on, other keys.
    pub(super) fn rekey(&mut self, protection: Protection) {
        self.protection = protection;
        self.volume = Volume::default();
    }

    /// Counts packets from 0 again, as strict key exchange wants it.
    pub(super) fn reset_sequence(&mut self) {
        self.sequence = 0;
    }

    /// Whether there should be other keys.
    pub(super) fn wants_rekey(&self, limits: RekeyLimits) -> bool {
        self.volume.reaches(limits)
    }

    /// Whether these keys must not be used any longer: the peer had the same again to agree on others.
    pub(super) fn must_rekey(&self, limits: RekeyLimits) -> bool {
        self.volume.is_twice(limits)
    }
}

/// How much went one way under the same keys.
#[derive(Clone, Copy, Debug, Default)]
struct Volume {
    bytes: u64,
    packets: u64,
}

impl Volume {
    fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.packets += 1;
    }

    fn reaches(&self, limits: RekeyLimits) -> bool {
        self.bytes >= limits.bytes || self.packets >= limits.packets
    }

    fn is_twice(&self, limits: RekeyLimits) -> bool {
        self.bytes / 2 >= limits.bytes || self.packets / 2 >= limits.packets
    }
}

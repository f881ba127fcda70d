//! Texts of the kernel as it never writes them, for the tests: cut anywhere, and with any bytes of them exchanged.

/// A few hundred of them, always the same ones.
pub(super) fn mutations(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..whole.len().min(400)).filter_map(|length| whole.get(..length)).map(<[u8]>::to_vec);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let changed = (0..400).map(move |_| {
        let mut bytes = whole.to_vec();
        for _ in 0..3 {
            // xorshift64
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let [byte, _, _, _, place @ ..] = seed.to_le_bytes();
            let place = usize::try_from(u32::from_le_bytes(place)).unwrap() % bytes.len();
            bytes[place] = byte;
        }
        bytes
    });
    cut.chain(changed)
}

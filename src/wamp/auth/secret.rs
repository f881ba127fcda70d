//! A text that nobody else may see.

use std::fmt;

/// A secret: never shown, and wiped when dropped.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes a text, and is now the only one to have it.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// In a time that depends on the lengths alone.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Secret {}

#[cfg(any(feature = "auth", feature = "manhole"))]
fn same(one: &[u8], other: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(one, other).into()
}

/// The tiny build has no crate for this; [`std::hint::black_box`] keeps the compiler from leaving early.
#[cfg(not(any(feature = "auth", feature = "manhole")))]
fn same(one: &[u8], other: &[u8]) -> bool {
    let different =
        one.iter().zip(other).fold(0, |different, (one, other)| std::hint::black_box(different | (one ^ other)));
    one.len() == other.len() && different == 0
}

impl Drop for Secret {
    fn drop(&mut self) {
        #[cfg(any(feature = "auth", feature = "manhole"))]
        zeroize::Zeroize::zeroize(&mut self.0);
        #[cfg(not(any(feature = "auth", feature = "manhole")))]
        {
            let mut bytes = std::mem::take(&mut self.0).into_bytes();
            bytes.fill(0);
            std::hint::black_box(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_shown_and_compares_by_its_text() {
        let secret = Secret::new("hunter2".to_owned());
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret, Secret::new("hunter2".to_owned()));
        for other in ["hunter3", "hunter", "hunter22", ""] {
            assert_ne!(secret, Secret::new(other.to_owned()), "{other}");
        }
    }
}

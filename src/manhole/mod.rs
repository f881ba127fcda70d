//! wip
pub mod config;
pub mod credentials;
pub mod editor;
pub mod host_key;
pub mod keys;
pub mod line;
pub mod question;
pub mod shell;

/// The kernel's randomness. It fails only where the kernel has none, which [`Manhole::start`] finds out first.
fn random() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

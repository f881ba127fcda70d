//! What the router's thread is told while it runs.

#[cfg(feature = "auth")]
use std::sync::{Arc, Weak};

#[cfg(feature = "auth")]
use crate::router::users::Directory;
#[cfg(feature = "auth")]
use crate::sync::mailbox::Post;

/// What can wait for the thread: who gives orders is in no hurry.
pub(super) const ORDERS: usize = 1;

/// An order.
#[derive(Debug)]
pub(super) enum Order {
    /// Others log in.
    #[cfg(feature = "auth")]
    Users(Arc<Directory>),
}

/// Gives a running server other users. It does not keep the server running.
#[cfg(feature = "auth")]
#[derive(Clone, Debug)]
pub struct UsersControl(pub(super) Weak<Post<Order>>);

#[cfg(feature = "auth")]
impl UsersControl {
    /// Has these users log in from now on, and ends the sessions of those who are not among them as before
    /// ([`crate::router::Router::replace_users`]). A server that has stopped does nothing; nor does one without users.
    pub fn replace(&self, users: Arc<Directory>) {
        if let Some(post) = self.0.upgrade() {
            // If it does not take it, it has stopped.
            let _ = post.send(Order::Users(users));
        }
    }
}

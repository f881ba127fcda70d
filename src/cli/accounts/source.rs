//! Where the router's users are read from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{fill, names, roles, store};
use crate::cli::failure::Failure;
use crate::cli::reload::Reloadable;
use crate::cli::secret::Readers;
use crate::router::users::Directory;
use crate::router::{LoginConfig, RouterConfig};
use crate::server::Server;

/// What clients can come by that says who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A Unix socket.
    UnixSocket,
    /// TLS with a certificate of theirs.
    Certificate,
}

/// A file of users, and what its rules are good for.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    readers: Readers,
    ways: Vec<Way>,
}

impl Source {
    /// That file, which these may be able to read too, of a router that can be reached so.
    #[must_use]
    pub fn new(file: &Path, readers: Readers, ways: &[Way]) -> Self {
        Self { file: file.to_owned(), readers, ways: ways.to_owned() }
    }

    /// Has the router ask clients who they are.
    ///
    /// # Errors
    /// [`Failure::Input`] or [`Failure::Usage`] when the file cannot be used; [`Failure::System`] without random numbers.
    pub fn configure(&self, router: &mut RouterConfig) -> Result<(), Failure> {
        let directory = self.read()?;
        let mut seed = [0; 32];
        fill(&mut seed)?;
        router.logins = Some(LoginConfig::new(directory, seed));
        Ok(())
    }

    /// What has the file read again, for a server that was configured so.
    #[must_use]
    pub fn reloadable(self, server: &Server) -> Option<Reloadable> {
        let users = server.users();
        let read = move || {
            users.replace(self.read()?);
            Ok(())
        };
        Some(Reloadable { what: "users", read: Box::new(read) })
    }

    /// Reads the file. Rules that nobody can come by are warned of: the file may be that of several routers.
    ///
    /// # Errors
    /// [`Failure::Input`] or [`Failure::Usage`] when the file cannot be used; [`Failure::System`] when the machine cannot tell
    /// who is named in it.
    fn read(&self) -> Result<Arc<Directory>, Failure> {
        let users = store::read(&self.file, self.readers).map_err(|failure| failure.of_flag("--users"))?;
        let directory = Directory::new(&users, roles::built_in(), &names::resolve(&users)?)
            .map_err(|error| Failure::Usage(format!("--users: {}: {error}", self.file.display())))?;
        let idle = [
            (Way::UnixSocket, directory.local_user(), "local", "--listen unix:/PATH"),
            (Way::Certificate, directory.certified_user(), "tls", "--tls-client-ca"),
        ];
        for (way, user, entry, flag) in idle {
            if let (Some(user), false) = (user, self.ways.contains(&way)) {
                let user = crate::wamp::excerpt(user);
                log::warn!("--users: users.{user}.{entry}: expected {flag} with it, without which it lets nobody in");
            }
        }
        Ok(Arc::new(directory))
    }
}

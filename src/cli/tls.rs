//! What the flags about TLS say, and the files that they name.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::transport::tls::{Identity, TlsClient, TlsConfigError, TlsServer, Trust};
use crate::transport::url::{Security, Url};

/// The longest file that is read, in bytes: the authorities of a whole system are a fifth of that.
const LONGEST: u64 = 1 << 20;

/// What a client is told.
#[derive(Debug, Default)]
pub struct ClientFlags {
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    belief: Belief,
}

/// Whether a client checks who the router is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Belief {
    #[default]
    Checks,
    BelievesAnybody,
}

/// What a router is told.
#[derive(Clone, Debug, Default)]
pub struct ServerFlags {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authorities: Option<PathBuf>,
}

impl ClientFlags {
    /// Whose routers to trust.
    ///
    /// # Errors
    /// None in this build.
    pub fn set_authorities(&mut self, file: &OsStr) -> Result<(), String> {
        store(&mut self.authorities, file)
    }

    /// Who to be.
    ///
    /// # Errors
    /// None in this build.
    pub fn set_certificate(&mut self, file: &OsStr) -> Result<(), String> {
        store(&mut self.certificate, file)
    }

    /// The key to that.
    ///
    /// # Errors
    /// None in this build.
    pub fn set_key(&mut self, file: &OsStr) -> Result<(), String> {
        store(&mut self.key, file)
    }

    /// Checks nothing.
    pub fn believe_anybody(&mut self) {
        self.belief = Belief::BelievesAnybody;
    }

    /// What the way to those routers needs; nothing, if none of them is reached with TLS.
    ///
    /// # Errors
    /// [`Failure::Usage`] when a flag about TLS stands beside a URL without it, [`Failure::Input`] when a file cannot be read
    /// or has something else in it.
    pub fn resolve(&self, urls: &[Url]) -> Result<Option<TlsClient>, Failure> {
        if urls.iter().all(|url| url.security() == Security::None) {
            let url = urls.first().map(ToString::to_string).unwrap_or_default();
            let given = [
                ("--ca", self.authorities.is_some()),
                ("--cert", self.certificate.is_some()),
                ("--tls-insecure", self.belief == Belief::BelievesAnybody),
            ];
            return match given.iter().find(|(_, is_given)| *is_given) {
                Some((flag, _)) => {
                    Err(Failure::Usage(format!("{flag}: expected a URL with TLS, wss:// or rss://, got {url}")))
                }
                None => Ok(None),
            };
        }
        let files = Files { authorities: "--ca", certificate: "--cert", key: "--key" };
        let authorities = self.authorities.as_deref().map(|file| read(file, files.authorities)).transpose()?;
        let trust = match (&authorities, self.belief) {
            (Some(pem), _) => Trust::Authorities(pem),
            (None, Belief::Checks) => Trust::System,
            (None, Belief::BelievesAnybody) => {
                log::warn!("--tls-insecure: nobody checks who the router is");
                Trust::Anybody
            }
        };
        let shown = identity(self.certificate.as_deref(), self.key.as_deref(), &files)?;
        let client = TlsClient::new(trust, shown.as_ref());
        client.map(Some).map_err(|error| files.blame(&error))
    }
}

impl ServerFlags {
    /// Who the router is.
    ///
    /// # Errors
    /// None in this build.
    pub fn set_certificate(&mut self, file: &OsStr) -> Result<(), String> {
        store(&mut self.certificate, file)
    }

    /// The key to that.
    ///
    /// # Errors
    /// None in this build.
    pub fn set_key(&mut self, file: &OsStr) -> Result<(), String> {
        store(&mut self.key, file)
    }

    /// Whose clients are taken.
    ///
    /// # Errors
    /// None in this build.
    pub fn set_authorities(&mut self, file: &OsStr) -> Result<(), String> {
        store(&mut self.authorities, file)
    }

    /// Whether there is a certificate, so that TLS is spoken.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.certificate.is_some()
    }

    /// Whether clients are asked for a certificate.
    #[must_use]
    pub const fn asks_clients(&self) -> bool {
        self.authorities.is_some()
    }

    /// What the router needs, if it is to speak TLS.
    ///
    /// # Errors
    /// [`Failure::Input`] when a file cannot be read, [`Failure::Usage`] when it has something else in it.
    pub fn load(&self) -> Result<Option<TlsServer>, Failure> {
        let Some(Texts { shown, clients }) = self.read()? else { return Ok(None) };
        TlsServer::new(&shown, clients.as_deref()).map(Some).map_err(|error| Self::FILES.blame(&error))
    }

    /// Reads the files again, for connections that begin from now on. When they do not do, everything stays as it was.
    ///
    /// # Errors
    /// As [`ServerFlags::load`].
    pub fn reload(&self, server: &TlsServer) -> Result<(), Failure> {
        let Some(Texts { shown, clients }) = self.read()? else { return Ok(()) };
        server.replace(&shown, clients.as_deref()).map_err(|error| Self::FILES.blame(&error))
    }

    const FILES: Files = Files { authorities: "--tls-client-ca", certificate: "--tls-cert", key: "--tls-key" };

    fn read(&self) -> Result<Option<Texts>, Failure> {
        let Some(shown) = identity(self.certificate.as_deref(), self.key.as_deref(), &Self::FILES)? else {
            return Ok(None);
        };
        Ok(Some(Texts {
            shown,
            clients: self.authorities.as_deref().map(|file| read(file, Self::FILES.authorities)).transpose()?,
        }))
    }
}

/// What stands in a router's files.
struct Texts {
    shown: Identity,
    /// The authorities of its clients.
    clients: Option<Vec<u8>>,
}

/// Which flag named which file.
struct Files {
    authorities: &'static str,
    certificate: &'static str,
    key: &'static str,
}

impl Files {
    /// Which flag is to blame.
    fn blame(&self, error: &TlsConfigError) -> Failure {
        match error {
            TlsConfigError::Authorities(_) => Failure::Usage(format!("{}: {error}", self.authorities)),
            TlsConfigError::Certificate(_) => Failure::Usage(format!("{}: {error}", self.certificate)),
            TlsConfigError::Key(_) | TlsConfigError::Mismatch => Failure::Usage(format!("{}: {error}", self.key)),
            TlsConfigError::NoSystemAuthorities(_) | TlsConfigError::Library(_) => Failure::Usage(error.to_string()),
        }
    }
}

#[allow(clippy::unnecessary_wraps)] // As the flags' table has it.
fn store(place: &mut Option<PathBuf>, file: &OsStr) -> Result<(), String> {
    *place = Some(PathBuf::from(file));
    Ok(())
}

fn identity(certificate: Option<&Path>, key: Option<&Path>, flags: &Files) -> Result<Option<Identity>, Failure> {
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    let identity = Identity { chain: read(certificate, flags.certificate)?, key: read(key, flags.key)? };
    if std::fs::metadata(key).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        log::warn!("others than its owner can read the private key in {}", key.display());
    }
    Ok(Some(identity))
}

fn read(file: &Path, flag: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::Input { name: file.display().to_string(), error }.of_flag(flag);
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        let what = format!("expected at most {LONGEST} bytes, got more");
        return Err(failed(std::io::Error::other(what)));
    }
    Ok(bytes)
}

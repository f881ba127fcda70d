//! How a client logs in, as the command line says it.

use super::failure::Failure;
use super::secret::{Readers, Source};
use crate::link::LinkError;
use crate::wamp::auth::{Credential, Login, Method, Secret};
use crate::wamp::error::uri::{AUTHENTICATION_DENIED, NO_AUTH_METHOD, NOT_AUTHORIZED};
use crate::wamp::options::Dict;

/// Why routers refuse who offers none of the ways to log in that they know; the last two are Crossbar.io's and others'.
const NO_METHOD: [&str; 3] =
    [NO_AUTH_METHOD, "wamp.error.no_matching_auth_method", "wamp.error.authentication_required"];

/// Why they refuse a wrong secret; the last one is Crossbar.io's.
const DENIED: [&str; 2] = [AUTHENTICATION_DENIED, NOT_AUTHORIZED];

/// What the flags say.
#[derive(Clone, Debug, Default)]
pub struct LoginFlags {
    /// How; without it the secret decides.
    pub method: Option<Method>,
    /// Who.
    pub authid: Option<String>,
    /// As what.
    pub authrole: Option<String>,
    /// What else HELLO says.
    pub authextra: Dict,
    /// Where the secret is.
    pub secret: Option<Source>,
    /// Who else may be able to read its file.
    pub readers: Readers,
}

impl LoginFlags {
    /// The login. Reads the secret.
    ///
    /// # Errors
    /// [`Failure::Usage`] or [`Failure::Input`].
    pub fn resolve(&self) -> Result<Login, Failure> {
        let credential = match (&self.secret, self.method) {
            (None, None | Some(Method::Anonymous)) => {
                if self.method.is_none() && self.authid.is_some() {
                    return Err(usage("--authid: expected a secret with it, or --auth anonymous, got neither"));
                }
                Credential::Anonymous
            }
            (None, Some(method)) => {
                check_built(method)?;
                let method = method.name();
                let flags = "--secret-file, --secret-env or --secret-fd";
                return Err(usage(format!("--auth {method}: expected a secret by {flags}, got none")));
            }
            (Some(_), Some(Method::Anonymous)) => {
                return Err(usage("--auth anonymous: expected no secret, got one"));
            }
            (Some(source), method) => {
                let secret = source.read(self.readers)?;
                let method = method.unwrap_or_else(|| method_for(&secret, self.authid.as_deref()));
                check_built(method)?;
                credential(method, secret)?
            }
        };
        let login = Login::new(credential, self.authid.clone()).map_err(|error| usage(format!("--authid: {error}")))?;
        Ok(login.authrole(self.authrole.clone()).authextra(self.authextra.clone()))
    }
}

/// What the user could try after the router has refused the login.
#[must_use]
pub fn advice(login: &Login, error: &LinkError) -> Option<&'static str> {
    let LinkError::Refused(closing) = error else { return None };
    let (reason, by_method) = (closing.reason.as_str(), NO_METHOD.contains(&closing.reason.as_str()));
    match login.method() {
        _ if login.has_key_as_secret() && (by_method || DENIED.contains(&reason)) => {
            Some("the secret looks like a private key: --auth cryptosign logs in by it")
        }
        Method::Anonymous if by_method => Some("log in with --authid and --secret-file"),
        _ => by_method.then_some("--auth names another method"),
    }
}

/// Without `--auth`: a private key in OpenSSH's format can only be meant for cryptosign, and so is any other without an authid,
/// which no other method goes without. Any other secret is shown to no router by WAMP-CRA, which all of them know; also what
/// may be a key in hex, for so are random secrets.
#[cfg(feature = "auth")]
fn method_for(secret: &Secret, authid: Option<&str>) -> Method {
    use crate::wamp::auth::cryptosign::PrivateKey;
    let text = secret.expose();
    if PrivateKey::is_openssh(text) || (authid.is_none() && PrivateKey::from_text(text).is_ok()) {
        Method::Cryptosign
    } else {
        Method::WampCra
    }
}

/// As in the other builds, whose methods are missing here.
#[cfg(not(feature = "auth"))]
const fn method_for(_: &Secret, _: Option<&str>) -> Method {
    Method::WampCra
}

#[cfg(feature = "auth")]
fn credential(method: Method, secret: Secret) -> Result<Credential, Failure> {
    use crate::wamp::auth::cryptosign::PrivateKey;
    Ok(match method {
        Method::Anonymous => Credential::Anonymous,
        Method::Ticket => Credential::Ticket(secret),
        Method::WampCra => Credential::WampCra(secret),
        Method::Scram => Credential::Scram(secret),
        Method::Cryptosign => {
            let key = PrivateKey::from_text(secret.expose());
            Credential::Cryptosign(key.map_err(|error| usage(format!("--auth cryptosign: {error}")))?)
        }
    })
}

#[cfg(not(feature = "auth"))]
#[allow(clippy::unnecessary_wraps)] // As in the other builds, where a key can be none.
fn credential(_: Method, secret: Secret) -> Result<Credential, Failure> {
    Ok(Credential::Ticket(secret))
}

fn check_built(method: Method) -> Result<(), Failure> {
    if method.is_built() {
        return Ok(());
    }
    let name = method.name();
    Err(usage(format!(
        "--auth: expected anonymous or ticket, got {name}, which this program was built without: build it with the cargo \
         feature \"auth\""
    )))
}

fn usage(sentence: impl Into<String>) -> Failure {
    Failure::Usage(sentence.into())
}

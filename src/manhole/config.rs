//! What `start_manhole` and a configuration file say: where to listen, and who may log in. Pure. Every error names the key and
//! why, and never what stands in a password.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ssh::PublicKey;
use crate::ssh::limits::{MAX_PASSWORD, MAX_USER};
use crate::terminal::printable;
use crate::transport::unix::LONGEST_PATH;
use crate::wamp::auth::Secret;

/// The most users of a manhole, and the most keys of one of them.
pub const MAX_USERS: usize = 64;
/// See [`MAX_USERS`].
pub const MAX_KEYS: usize = 256;

/// Callers that the kernel holds until they are accepted, unless the configuration says otherwise.
const BACKLOG: u16 = 16;

/// A configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub endpoint: Endpoint,
    /// Who may log in; at least one.
    pub users: Vec<User>,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP port.
    Tcp {
        /// The address; port 0 is any free one.
        address: SocketAddr,
        /// Callers that the kernel holds until they are accepted.
        backlog: u16,
        /// What the configuration said, to say it again.
        given: GivenTcp,
    },
    /// A Unix socket.
    Unix {
        /// Where it stands in the file system.
        path: PathBuf,
    },
}

/// The keys of a TCP endpoint that need not be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenTcp {
    interface: Option<String>,
    backlog: Option<u16>,
    version: Option<u8>,
}

/// Somebody who may log in, by whatever is there.
#[derive(Clone, Debug)]
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// The password.
    pub password: Option<Secret>,
    /// The public keys.
    pub authorized_keys: Option<AuthorizedKeys>,
}

/// A user's public keys.
#[derive(Clone, Debug)]
pub enum AuthorizedKeys {
    /// As they are listed, each with its line.
    Listed(Vec<(String, PublicKey)>),
    /// In a file, which is read at every login.
    File(PathBuf),
}

/// What is wrong with a configuration. Its `Display` names the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    key: String,
    sentence: String,
}

impl ConfigError {
    /// With what was expected at a key.
    #[must_use]
    pub fn new(key: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { key: key.into(), sentence: sentence.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.sentence)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`ConfigError`], of the first key that is wrong.
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        let config = Dict::of("config", config)?;
        let endpoint = endpoint(&Dict::of("endpoint", config.required("endpoint")?)?)?;
        let entries = config.required("users")?;
        let users = match entries.as_array() {
            Some(entries) if (1..=MAX_USERS).contains(&entries.len()) => entries,
            Some(entries) => {
                return Err(wrong("users", &format!("1 to {MAX_USERS} users"), &entries.len().to_string()));
            }
            None => return Err(wrong("users", "a list of users", kind(entries))),
        };
        let users: Vec<User> = users
            .iter()
            .zip(0..)
            .map(|(entry, number)| user(&format!("users[{number}]"), entry))
            .collect::<Result<_, _>>()?;
        for (user, number) in users.iter().zip(0..) {
            if users.iter().take(number).any(|other| other.name == user.name) {
                let sentence = format!("expected every user once, got {:?} twice", user.name);
                return Err(ConfigError::new(format!("users[{number}].user"), sentence));
            }
        }
        config.nothing_but(&["endpoint", "users"])?;
        Ok(Self { endpoint, users })
    }

    /// The configuration for everybody to see: without passwords.
    #[must_use]
    pub fn public(&self) -> PublicConfig {
        let endpoint = match &self.endpoint {
            Endpoint::Tcp { address, given, .. } => PublicEndpoint::Tcp {
                port: address.port(),
                interface: given.interface.clone(),
                backlog: given.backlog,
                version: given.version,
            },
            Endpoint::Unix { path } => PublicEndpoint::Unix { path: path.clone() },
        };
        let users = self.users.iter().map(|user| PublicUser {
            user: user.name.clone(),
            password: user.password.as_ref().map(|_| Value::Null),
            authorized_keys: user.authorized_keys.as_ref().map(|keys| match keys {
                AuthorizedKeys::Listed(keys) => keys.iter().map(|(line, _)| line.as_str()).collect(),
                AuthorizedKeys::File(path) => json!({"file": path}),
            }),
        });
        PublicConfig { endpoint, users: users.collect() }
    }
}

/// A configuration without its secrets, keys in the order of the contract.
#[derive(Clone, Debug, Serialize)]
pub struct PublicConfig {
    endpoint: PublicEndpoint,
    users: Vec<PublicUser>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum PublicEndpoint {
    Tcp {
        port: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        interface: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        backlog: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u8>,
    },
    Unix {
        path: PathBuf,
    },
}

#[derive(Clone, Debug, Serialize)]
struct PublicUser {
    user: String,
    /// `null` where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorized_keys: Option<Value>,
}

impl PublicConfig {
    /// Where it listens: `port 6022`, or the path of a Unix socket.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match &self.endpoint {
            PublicEndpoint::Tcp { port, interface, .. } => {
                format!("port {port} of {}", interface.as_deref().unwrap_or("this machine alone"))
            }
            PublicEndpoint::Unix { path } => path.display().to_string(),
        }
    }

    /// Tells the port that was bound.
    pub fn set_port(&mut self, bound: u16) {
        if let PublicEndpoint::Tcp { port, .. } = &mut self.endpoint {
            *port = bound;
        }
    }
}

/// A dict of the configuration, and what it is called in errors.
struct Dict<'a> {
    name: String,
    members: &'a Map<String, Value>,
}

impl<'a> Dict<'a> {
    fn of(name: &str, value: &'a Value) -> Result<Self, ConfigError> {
        match value.as_object() {
            Some(members) => Ok(Self { name: name.to_owned(), members }),
            None => Err(wrong(name, "a dict", kind(value))),
        }
    }

    fn key(&self, name: &str) -> String {
        if self.name == "config" { name.to_owned() } else { format!("{}.{name}", self.name) }
    }

    /// A member, if it is there and not null.
    fn optional(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn required(&self, name: &str) -> Result<&'a Value, ConfigError> {
        self.members.get(name).ok_or_else(|| ConfigError::new(self.key(name), "expected a value, got none"))
    }

    fn text(&self, name: &str, value: &'a Value) -> Result<&'a str, ConfigError> {
        value.as_str().ok_or_else(|| wrong(&self.key(name), "a string", kind(value)))
    }

    fn number<T: TryFrom<u64>>(&self, name: &str, value: &Value, expected: &str) -> Result<T, ConfigError> {
        let number = value.as_u64().and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| wrong(&self.key(name), expected, &shown(value)))
    }

    fn nothing_but(&self, known: &[&str]) -> Result<(), ConfigError> {
        match self.members.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let sentence = format!("expected no key but {}", known.join(", "));
                Err(ConfigError::new(self.key(&printable(key)), sentence))
            }
        }
    }
}

fn endpoint(endpoint: &Dict<'_>) -> Result<Endpoint, ConfigError> {
    match endpoint.required("type")? {
        Value::String(tcp) if tcp == "tcp" => self::tcp(endpoint),
        Value::String(unix) if unix == "unix" => {
            endpoint.nothing_but(&["type", "path"])?;
            let path = endpoint.text("path", endpoint.required("path")?)?;
            let expected = format!("a path of 1 to {LONGEST_PATH} bytes");
            if path.is_empty() || path.len() > LONGEST_PATH || path.contains('\0') {
                return Err(wrong("endpoint.path", &expected, &shown(&Value::from(path))));
            }
            Ok(Endpoint::Unix { path: PathBuf::from(path) })
        }
        other => Err(wrong("endpoint.type", "\"tcp\" or \"unix\"", &shown(other))),
    }
}

fn tcp(endpoint: &Dict<'_>) -> Result<Endpoint, ConfigError> {
    endpoint.nothing_but(&["type", "port", "interface", "backlog", "version"])?;
    let port = endpoint.number("port", endpoint.required("port")?, "a port, 0 (any free one) to 65535")?;
    let backlog = match endpoint.optional("backlog") {
        None => None,
        Some(value) => match endpoint.number("backlog", value, "a number from 1 to 65535")? {
            0 => return Err(wrong("endpoint.backlog", "a number from 1 to 65535", "0")),
            backlog => Some(backlog),
        },
    };
    let version = match endpoint.optional("version") {
        None => None,
        Some(value) => match value.as_u64() {
            Some(4) => Some(4),
            Some(6) => Some(6),
            _ => return Err(wrong("endpoint.version", "4 or 6", &shown(value))),
        },
    };
    let interface = endpoint.optional("interface").map(|value| endpoint.text("interface", value)).transpose()?;
    let loopback = match version {
        Some(6) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let ip = match interface {
        None | Some("localhost") => loopback,
        Some(text) => text.parse().map_err(|_| {
            wrong("endpoint.interface", "an IP address, like 127.0.0.1 or ::", &shown(&Value::from(text)))
        })?,
    };
    if version.is_some_and(|version: u8| (version == 6) != ip.is_ipv6()) {
        return Err(wrong("endpoint.version", "the version of endpoint.interface", &format!("{ip}")));
    }
    Ok(Endpoint::Tcp {
        address: SocketAddr::new(ip, port),
        backlog: backlog.unwrap_or(BACKLOG),
        given: GivenTcp { interface: interface.map(str::to_owned), backlog, version },
    })
}

fn user(key: &str, entry: &Value) -> Result<User, ConfigError> {
    let entry = Dict::of(key, entry)?;
    entry.nothing_but(&["user", "password", "authorized_keys"])?;
    let name = entry.text("user", entry.required("user")?)?;
    if name.is_empty() || name.len() > MAX_USER || name.contains(crate::terminal::is_active) {
        let expected = format!("1 to {MAX_USER} bytes of printable characters");
        return Err(wrong(&entry.key("user"), &expected, &shown(&Value::from(name))));
    }
    let password = match entry.optional("password") {
        None => None,
        Some(value) => {
            let password = entry.text("password", value)?;
            if !(1..=MAX_PASSWORD).contains(&password.len()) {
                let got = format!("{} bytes", password.len());
                return Err(wrong(&entry.key("password"), &format!("1 to {MAX_PASSWORD} bytes"), &got));
            }
            Some(Secret::new(password.to_owned()))
        }
    };
    let authorized_keys = entry
        .optional("authorized_keys")
        .map(|value| authorized_keys(&entry.key("authorized_keys"), value))
        .transpose()?;
    if password.is_none() && authorized_keys.is_none() {
        return Err(ConfigError::new(key, "expected a password or authorized_keys, got neither"));
    }
    Ok(User { name: name.to_owned(), password, authorized_keys })
}

fn authorized_keys(key: &str, value: &Value) -> Result<AuthorizedKeys, ConfigError> {
    match value {
        Value::Array(lines) if (1..=MAX_KEYS).contains(&lines.len()) => {
            let keys = lines.iter().zip(0..).map(|(line, number)| {
                let key = format!("{key}[{number}]");
                let line = line.as_str().ok_or_else(|| wrong(&key, "a string", kind(line)))?;
                let public =
                    PublicKey::from_openssh(line).map_err(|error| ConfigError::new(&key, error.to_string()))?;
                Ok((line.to_owned(), public))
            });
            keys.collect::<Result<_, _>>().map(AuthorizedKeys::Listed)
        }
        Value::Array(lines) => Err(wrong(key, &format!("1 to {MAX_KEYS} keys"), &lines.len().to_string())),
        Value::Object(_) => {
            let file = Dict::of(key, value)?;
            file.nothing_but(&["file"])?;
            let path = file.text("file", file.required("file")?)?;
            Ok(AuthorizedKeys::File(PathBuf::from(path)))
        }
        other => Err(wrong(key, "a list of keys or {\"file\": PATH}", kind(other))),
    }
}

fn wrong(key: &str, expected: &str, got: &str) -> ConfigError {
    ConfigError::new(key, format!("expected {expected}, got {got}"))
}

/// A value that is no secret, shortened.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    printable(&text).chars().take(LONGEST).collect()
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a dict",
    }
}

#[cfg(test)]
mod tests;

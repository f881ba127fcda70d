//! Who somebody is (RFC 4252): the service, then requests by password or public key until one holds, or too many did not.
//! Whether a user may log in with a credential is the driver's to say; whether a signature is right is found out here.

use std::collections::VecDeque;

use super::error::{SshError, printable};
use super::event::{Credential, Event, Method, Password, Verdict};
use super::kex::ExchangeHash;
use super::limits::{MAX_AUTH_REQUESTS, MAX_PASSWORD, MAX_USER};
use super::message;
use super::publickey::PublicKey;
use super::wire::{Payload, Reader};

const USERAUTH: &str = "ssh-userauth";
const CONNECTION: &str = "ssh-connection";

/// The login of one connection.
#[derive(Debug)]
pub(super) struct Auth {
    stage: Stage,
    methods: Vec<Method>,
    limit: u32,
    failures: u32,
    requests: u32,
}

#[derive(Debug)]
enum Stage {
    /// The client has to ask for the service.
    Service,
    /// It may ask to be let in.
    Requests,
    /// The driver is asked.
    Deciding(Question),
    /// It is in.
    Done,
}

/// What becomes of a verdict.
#[derive(Debug)]
enum Question {
    /// Whether a key would do.
    Probe { algorithm: String, blob: Vec<u8> },
    /// Whether the user is in.
    Login { user: String, method: Method },
}

impl Auth {
    pub(super) fn new(methods: Vec<Method>, limit: u32) -> Self {
        Self { stage: Stage::Service, methods, limit, failures: 0, requests: 0 }
    }

    /// Whether a verdict is waited for.
    pub(super) fn is_deciding(&self) -> bool {
        matches!(self.stage, Stage::Deciding(_))
    }

    /// Whether the client is in.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Which message may come now.
    pub(super) fn expected(&self) -> &'static str {
        match self.stage {
            Stage::Service => message::name(message::SERVICE_REQUEST),
            Stage::Requests | Stage::Deciding(_) => message::name(message::USERAUTH_REQUEST),
            Stage::Done => "a message of the connection protocol",
        }
    }

    /// Takes a SERVICE_REQUEST, and says what to answer.
    pub(super) fn service(&mut self, payload: &[u8]) -> Result<Payload, SshError> {
        if !matches!(self.stage, Stage::Service) {
            return Err(SshError::Unexpected { expected: self.expected(), got: message::SERVICE_REQUEST });
        }
        let mut reader = Reader::new(message::name(message::SERVICE_REQUEST), payload);
        reader.byte("number")?;
        let name = reader.string("service name")?;
        reader.end()?;
        if name != USERAUTH.as_bytes() {
            return Err(SshError::Service { expected: USERAUTH, got: printable(name) });
        }
        self.stage = Stage::Requests;
        Ok(Payload::message(message::SERVICE_ACCEPT).string(name))
    }

    /// Takes a USERAUTH_REQUEST, and says what to answer; nothing when the driver has to be asked first.
    pub(super) fn request(
        &mut self,
        payload: &[u8],
        session: &ExchangeHash,
        events: &mut VecDeque<Event>,
    ) -> Result<Option<Payload>, SshError> {
        match self.stage {
            // RFC 4252, section 5.1: whoever is in already is not answered.
            Stage::Done => return Ok(None),
            Stage::Requests => {}
            Stage::Service | Stage::Deciding(_) => {
                return Err(SshError::Unexpected { expected: self.expected(), got: message::USERAUTH_REQUEST });
            }
        }
        self.requests += 1;
        if self.requests > MAX_AUTH_REQUESTS {
            return Err(SshError::Limit {
                what: "requests for a login",
                limit: u64::from(MAX_AUTH_REQUESTS),
                got: u64::from(self.requests),
            });
        }
        let mut reader = Reader::new(message::name(message::USERAUTH_REQUEST), payload);
        reader.byte("number")?;
        let user = reader.text("user name")?;
        let service = reader.string("service name")?;
        if service != CONNECTION.as_bytes() {
            return Err(SshError::Service { expected: CONNECTION, got: printable(service) });
        }
        let asked = match reader.string("method name")? {
            // The usual first request, only to see the list: that one is free (RFC 4252, section 5.2).
            b"none" if self.requests == 1 => return Ok(Some(self.failure_list())),
            _ if user.len() > MAX_USER => Err("the user's name is too long"),
            b"password" if self.methods.contains(&Method::Password) => password(reader, user)?,
            b"publickey" if self.methods.contains(&Method::PublicKey) => public_key(reader, user, payload, session)?,
            _ => Err("the method is not offered"),
        };
        match asked {
            Ok((credential, question)) => {
                events.push_back(Event::Login { user: user.to_owned(), credential });
                self.stage = Stage::Deciding(question);
                Ok(None)
            }
            Err(reason) => {
                let user = user.chars().take(MAX_USER).collect();
                events.push_back(Event::LoginRefused { user, reason });
                self.failed().map(Some)
            }
        }
    }

    /// Takes the driver's verdict, and says what to answer.
    pub(super) fn decide(
        &mut self,
        verdict: Verdict,
        events: &mut VecDeque<Event>,
    ) -> Result<Option<Payload>, SshError> {
        let question = match std::mem::replace(&mut self.stage, Stage::Requests) {
            Stage::Deciding(question) => question,
            other => {
                self.stage = other;
                return Ok(None);
            }
        };
        match (verdict, question) {
            (Verdict::Refuse, _) => self.failed().map(Some),
            (Verdict::Accept, Question::Probe { algorithm, blob }) => {
                Ok(Some(Payload::message(message::USERAUTH_PK_OK).string(algorithm.as_bytes()).string(&blob)))
            }
            (Verdict::Accept, Question::Login { user, method }) => {
                self.stage = Stage::Done;
                events.push_back(Event::LoggedIn { user, method });
                Ok(Some(Payload::message(message::USERAUTH_SUCCESS)))
            }
        }
    }

    fn failed(&mut self) -> Result<Payload, SshError> {
        self.failures += 1;
        if self.failures >= self.limit {
            return Err(SshError::TooManyAttempts { limit: self.limit });
        }
        Ok(self.failure_list())
    }

    fn failure_list(&self) -> Payload {
        let names: Vec<&str> = self.methods.iter().map(|method| method.name()).collect();
        Payload::message(message::USERAUTH_FAILURE).string(names.join(",").as_bytes()).boolean(false)
    }
}

/// What to ask the driver, or why not.
type Asked = Result<(Credential, Question), &'static str>;

/// RFC 4252, section 8.
fn password(mut reader: Reader<'_>, user: &str) -> Result<Asked, SshError> {
    let is_change = reader.boolean("change")?;
    let password = reader.string("password")?;
    if is_change {
        reader.string("new password")?;
    }
    reader.end()?;
    if is_change {
        return Ok(Err("passwords cannot be changed here"));
    }
    let Ok(password) = std::str::from_utf8(password) else { return Ok(Err("the password is not UTF-8")) };
    if password.len() > MAX_PASSWORD {
        return Ok(Err("the password is too long"));
    }
    let question = Question::Login { user: user.to_owned(), method: Method::Password };
    Ok(Ok((Credential::Password(Password::new(password)), question)))
}

/// RFC 4252, section 7; RFC 8332, section 3 for RSA.
fn public_key(mut reader: Reader<'_>, user: &str, payload: &[u8], session: &ExchangeHash) -> Result<Asked, SshError> {
    let is_signed = reader.boolean("signed")?;
    let algorithm = reader.string("algorithm")?;
    let blob = reader.string("key")?;
    // Everything up to here is what the client signs, after the session's id.
    let before_signature = payload.len() - reader.remaining();
    let signature = if is_signed { reader.string("signature")? } else { &[] };
    reader.end()?;
    let Ok(algorithm) = std::str::from_utf8(algorithm) else { return Ok(Err("the key's algorithm is not known")) };
    let Ok(key) = PublicKey::from_wire(blob) else { return Ok(Err("the key is of no kind that can log in")) };
    if !key.signs_by(algorithm) {
        return Ok(Err("the key and the algorithm do not fit"));
    }
    let question = if is_signed {
        let signed = Payload::fields().string(session).raw(payload.get(..before_signature).unwrap_or_default());
        if !key.verifies(algorithm, signed.as_bytes(), signature) {
            return Ok(Err("the signature is wrong"));
        }
        Question::Login { user: user.to_owned(), method: Method::PublicKey }
    } else {
        Question::Probe { algorithm: algorithm.to_owned(), blob: blob.to_vec() }
    };
    Ok(Ok((Credential::Key(key), question)))
}

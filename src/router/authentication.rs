//! Who a client is: CHALLENGE, AUTHENTICATE, and what is concluded from them (*Authentication Methods*).
//!
//! # Security decisions
//! - Of the methods that a client offers the first known one is taken, whoever it says it is: which one that is tells nothing.
//! - A user that there is not, or who has no entry for the method, gets a challenge of the same form, with a salt that is a keyed
//!   hash of the name and so the same each time until the router is started again; the proof is checked with the same effort,
//!   and the answer is the same as to a wrong secret.
//! - A wrong proof is answered later, as [`super::failures`] says, and ends the connection.
//! - Who offers to come in without a proof (no method, `anonymous`, `local`, `tls`) is a user if the driver's evidence says so
//!   ([`super::unproved`]), which is looked at before what is offered next. An authid narrows that down and never widens it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::authorization::Permissions;
use super::evidence::Evidence;
use super::failures::Failures;
use super::randomness::Randomness;
use super::session::{Abilities, Identity, Peer, STATIC};
use super::unproved::Vouched;
use super::users::{Directory, MAX_AUTHID, Membership, Salted, Scram};
use super::welcome::Entry;
use super::{Outbox, Output, PeerId, Router};
use crate::sync::clock::Now;
use crate::wamp::auth::cryptosign::{self, CHALLENGE_LENGTH, PrivateKey, PublicKey};
use crate::wamp::auth::limits::MAX_NONCE;
use crate::wamp::auth::scram::{self, Exchange, Kdf, StoredKeys};
use crate::wamp::auth::{Method, Secret, wampcra};
use crate::wamp::error::uri;
use crate::wamp::id::RandomIds;
use crate::wamp::options::{Dict, HelloDetails};
use crate::wamp::{Message, WampError, excerpt};

/// Bytes of the router's part of SCRAM's nonce.
const NONCE_LENGTH: usize = 24;

/// How clients log in.
#[derive(Clone)]
pub struct LoginConfig {
    /// Who may.
    pub users: Arc<Directory>,
    /// Random bytes that nobody else knows: all that the router draws for its challenges comes from them.
    pub seed: [u8; 32],
    /// How long a client may take to answer a challenge.
    pub timeout: Duration,
}

impl LoginConfig {
    /// Logins of these users, who have 30 s to answer.
    #[must_use]
    pub const fn new(users: Arc<Directory>, seed: [u8; 32]) -> Self {
        Self { users, seed, timeout: Duration::from_secs(30) }
    }
}

/// Without the seed.
impl std::fmt::Debug for LoginConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginConfig")
            .field("users", &self.users)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Everybody who is logging in.
#[derive(Debug)]
pub(super) struct Logins {
    pub timeout: Duration,
    users: Arc<Directory>,
    randomness: Randomness,
    /// A public key of which nobody has the private half.
    nobody: PublicKey,
    pending: HashMap<PeerId, Pending>,
    /// Those whose proof was wrong.
    failed: HashMap<PeerId, Failed>,
    addresses: HashMap<PeerId, IpAddr>,
    /// Of those of whom there is any.
    evidence: HashMap<PeerId, Evidence>,
    failures: Failures,
}

/// A challenge that waits for its answer.
#[derive(Debug)]
struct Pending {
    realm: usize,
    abilities: Abilities,
    authid: String,
    /// What is said if it is wrong.
    failed: Failed,
    /// Missing for a user that there is not.
    membership: Option<Membership>,
    proof: Proof,
}

/// What they are told of whose proof was wrong.
#[derive(Debug)]
struct Failed {
    /// Who it said it is; `None` if it only showed a key.
    claimed: Option<String>,
    /// Whether it asked for its proof to be bound to the channel, and may have done so though it was told null.
    bound: bool,
}

/// What the answer is checked with.
#[derive(Debug)]
enum Proof {
    Ticket(Salted),
    WampCra { key: Secret, challenge: String },
    Scram { keys: StoredKeys, client_nonce: String, nonce: String, salt: String, iterations: u32 },
    Cryptosign { key: PublicKey, challenge: [u8; CHALLENGE_LENGTH] },
}

/// How somebody logs in.
enum Choice {
    /// There is nothing to prove.
    Welcome(Identity),
    Challenge(Method),
}

/// Whom the evidence leaves a choice.
const SEVERAL: &str = "HELLO: expected an authid, as several users may come from there without a secret, got none";

/// What becomes of a HELLO.
enum Admission {
    /// It needs no login.
    Welcome(Identity),
    /// It must be answered first.
    Challenge { method: Method, extra: Dict },
    /// It is refused.
    Refuse(WampError),
}

/// What becomes of an AUTHENTICATE.
enum Verdict {
    /// The session is opened.
    Welcome(Box<Entry>),
    /// The proof is not looked at.
    Refuse(WampError),
    /// The connection is ended then.
    Fail(Instant),
}

impl Router {
    /// Whether it asks clients who they are.
    #[must_use]
    pub const fn has_logins(&self) -> bool {
        self.logins.is_some()
    }

    /// What is known of a peer whatever it says; to be told before its HELLO.
    pub fn vouch(&mut self, peer: PeerId, evidence: Evidence) {
        if let (Some(logins), true) = (&mut self.logins, evidence != Evidence::None) {
            logins.evidence.insert(peer, evidence);
        }
    }

    /// Which names of certificates users log in by: those of them that a peer's certificate is for belong to its evidence.
    pub fn certificate_names(&self) -> impl Iterator<Item = &str> {
        self.logins.iter().flat_map(|logins| logins.users.certificate_names())
    }

    /// Answers a HELLO where there are users.
    pub(super) fn challenge(&mut self, peer: PeerId, realm: usize, details: &HelloDetails, now: Now, out: &mut Outbox) {
        let Some(logins) = &mut self.logins else { return };
        match logins.hello(peer, realm, details, now, &mut self.ids) {
            Admission::Welcome(identity) => {
                logins.forget(peer);
                self.enter(peer, Entry::new(realm, Abilities::of(&details.roles), identity), now, out);
            }
            Admission::Challenge { method, extra } => {
                let deadline = now.mono + logins.timeout;
                self.set_state(peer, Peer::Challenged { deadline });
                let message = Message::Challenge { method: method.name().to_owned(), extra };
                out.push_back(Output::Send { to: peer, message });
            }
            Admission::Refuse(error) => self.refuse(peer, error, now, out),
        }
    }

    /// Takes the answer to a challenge.
    pub(super) fn authenticate(&mut self, peer: PeerId, signature: &Secret, now: Now, out: &mut Outbox) {
        let Some(logins) = &mut self.logins else { return };
        match logins.authenticate(peer, signature, now.mono) {
            Verdict::Welcome(entry) => {
                logins.forget(peer);
                self.enter(peer, *entry, now, out);
            }
            Verdict::Refuse(error) => self.refuse(peer, error, now, out),
            Verdict::Fail(deadline) => {
                let sentence = logins.wrong_proof(peer);
                self.counters.logins_failed += 1;
                self.set_state(peer, Peer::Failed { deadline });
                out.push_back(Output::LoginFailed { peer, sentence });
            }
        }
    }

    /// Tells a peer at last that its proof was wrong.
    pub(super) fn refuse_login(&mut self, peer: PeerId, now: Now, out: &mut Outbox) {
        let Some(logins) = &self.logins else { return };
        let error = denied(&logins.wrong_proof(peer));
        self.refuse(peer, error, now, out);
    }

    /// The peer is gone.
    pub(super) fn forget_login(&mut self, peer: PeerId) {
        if let Some(logins) = &mut self.logins {
            logins.forget(peer);
        }
    }
}

impl Logins {
    pub fn new(config: &LoginConfig) -> Self {
        let LoginConfig { users, seed, timeout } = config;
        let (users, timeout) = (Arc::clone(users), *timeout);
        let randomness = Randomness::new(*seed);
        let nobody = PrivateKey::from_seed(&randomness.hash("cryptosign", b"")).public();
        Self {
            timeout,
            users,
            randomness,
            nobody,
            pending: HashMap::new(),
            failed: HashMap::new(),
            addresses: HashMap::new(),
            evidence: HashMap::new(),
            failures: Failures::default(),
        }
    }

    /// Has other users log in: those that there were. Who is logging in and is not among them as before can prove nothing.
    pub fn replace_users(&mut self, users: Arc<Directory>) -> Arc<Directory> {
        let before = std::mem::replace(&mut self.users, users);
        for Pending { authid, membership, proof, .. } in self.pending.values_mut() {
            if !self.users.still_admits(&before, authid, proof.method().name()) {
                *membership = None;
            }
        }
        before
    }

    /// Wrong logins of the peer are counted for that address.
    pub fn locate(&mut self, peer: PeerId, address: IpAddr) {
        self.addresses.insert(peer, address);
    }

    /// What is said of a wrong proof.
    fn wrong_proof(&self, peer: PeerId) -> String {
        let failed = self.failed.get(&peer);
        // Not whose the key is: whoever has seen it could ask for its owner.
        let claimed = failed.and_then(|failed| failed.claimed.as_deref());
        let whom = claimed.map_or("that key".to_owned(), |authid| format!("{:?}", excerpt(authid)));
        let bound = failed.is_some_and(|failed| failed.bound);
        let hint = if bound { "; it asked for channel binding, which is not offered" } else { "" };
        format!("expected the proof of a user, got a wrong one for {whom}{hint}")
    }

    /// The peer has joined, or is gone.
    fn forget(&mut self, peer: PeerId) {
        self.pending.remove(&peer);
        self.failed.remove(&peer);
        self.addresses.remove(&peer);
        self.evidence.remove(&peer);
    }

    /// A HELLO for the realm with that index.
    fn hello(
        &mut self,
        peer: PeerId,
        realm: usize,
        details: &HelloDetails,
        now: Now,
        ids: &mut RandomIds,
    ) -> Admission {
        let users = Arc::clone(&self.users);
        let method = match self.choose(peer, details, ids) {
            Ok(Choice::Challenge(method)) => method,
            Ok(Choice::Welcome(identity)) => return Admission::Welcome(identity),
            Err(error) => return Admission::Refuse(error),
        };
        let address = self.addresses.get(&peer).copied();
        if !self.failures.may_try(address, now.mono) {
            return Admission::Refuse(too_many());
        }
        let extra = details.authextra.as_ref();
        let text = |name: &str| extra.and_then(|extra| extra.get(name)?.as_str());
        let public = text("pubkey").and_then(PublicKey::from_hex);
        let authid = match (&details.authid, public) {
            (Some(authid), _) => authid.clone(),
            (None, Some(key)) if method == Method::Cryptosign => users.owner(&key).unwrap_or_default().to_owned(),
            (None, _) => {
                let sentence = format!("HELLO: expected an authid for a login by {}, got none", method.name());
                return Admission::Refuse(denied(&sentence));
            }
        };
        if authid.len() > MAX_AUTHID {
            let sentence = format!("HELLO: expected an authid of at most {MAX_AUTHID} bytes, got {}", authid.len());
            return Admission::Refuse(denied(&sentence));
        }
        let user = users.user(&authid);
        let (proof, extra, known) = match method {
            Method::Anonymous | Method::Ticket => {
                let known = user.and_then(|user| user.ticket.clone());
                let is_known = known.is_some();
                let decoy = self.randomness.decoy("ticket", &authid, users.shape.ticket_iterations);
                (Proof::Ticket(known.unwrap_or(decoy)), Dict::new(), is_known)
            }
            Method::WampCra => {
                let known = user.and_then(|user| user.wampcra.clone());
                let is_known = known.is_some();
                let decoy = self.randomness.decoy("wampcra", &authid, users.shape.cra_iterations);
                let Salted { salt, iterations, hash: key } = known.unwrap_or(decoy);
                let nonce = scram::base64(&self.randomness.draw());
                let challenge = json!({
                    "authid": authid,
                    "authmethod": method.name(),
                    "authprovider": STATIC,
                    "nonce": nonce,
                    "timestamp": now.wall,
                })
                .to_string();
                let extra = json!({"challenge": challenge, "salt": salt, "iterations": iterations, "keylen": 32});
                (Proof::WampCra { key, challenge }, dict(extra), is_known)
            }
            Method::Scram => {
                let Some(client) = text("nonce").filter(|nonce| is_nonce(nonce)) else {
                    let sentence = "HELLO: expected a nonce of base64 in authextra for a login by scram, got none";
                    return Admission::Refuse(denied(sentence));
                };
                let known = user.and_then(|user| user.scram.clone());
                let is_known = known.is_some();
                let Scram { salt, kdf, keys } = known.unwrap_or(self.randomness.scram_decoy(&authid, users.shape.kdf));
                let drawn = self.randomness.draw();
                let nonce = joined(client, drawn.get(..NONCE_LENGTH).unwrap_or(&drawn));
                let iterations = kdf.iterations();
                let mut extra =
                    dict(json!({"nonce": nonce, "kdf": kdf.name(), "salt": salt, "iterations": iterations}));
                if let Kdf::Argon2 { memory, .. } = kdf {
                    extra.insert("memory".to_owned(), memory.into());
                }
                (Proof::Scram { keys, client_nonce: client.to_owned(), nonce, salt, iterations }, extra, is_known)
            }
            Method::Cryptosign => {
                let keys = user.map(|user| user.keys.as_slice()).unwrap_or_default();
                // Who does not say which key it has got, must have the only one.
                let known = match public {
                    Some(key) => keys.contains(&key).then_some(key),
                    None => keys.first().copied().filter(|_| keys.len() == 1),
                };
                let key = known.unwrap_or(self.nobody);
                let challenge = self.randomness.draw();
                let extra = json!({"challenge": cryptosign::challenge_text(&challenge), "channel_binding": null});
                (Proof::Cryptosign { key, challenge }, dict(extra), known.is_some())
            }
        };
        let membership = user.filter(|_| known).map(|user| user.membership.clone());
        let bound = details.authextra.as_ref().and_then(|extra| extra.get("channel_binding"));
        let bound = bound.is_some_and(|kind| !kind.is_null() && kind != "");
        let (abilities, failed) = (Abilities::of(&details.roles), Failed { claimed: details.authid.clone(), bound });
        self.pending.insert(peer, Pending { realm, abilities, authid, failed, membership, proof });
        Admission::Challenge { method, extra }
    }

    /// The first of the offered methods that there is for this peer.
    fn choose(&self, peer: PeerId, details: &HelloDetails, ids: &mut RandomIds) -> Result<Choice, WampError> {
        let evidence = self.evidence.get(&peer).unwrap_or(&Evidence::None);
        let vouched = self.users.vouched(evidence, details.authid.as_deref());
        let nothing = [Method::Anonymous.name().to_owned()];
        let offered = if details.authmethods.is_empty() { &nothing[..] } else { &details.authmethods };
        for name in offered {
            let is_anonymous = name == Method::Anonymous.name();
            let unproved = [Some(Method::Anonymous.name()), evidence.method()];
            if let Some(authmethod) = unproved.into_iter().flatten().find(|own| own == name) {
                match (&vouched, self.users.anonymous()) {
                    (Vouched::User { authid, user, by }, _) => {
                        let Membership { name, role } = user.membership.clone();
                        let (authid, permissions) = ((*authid).to_owned(), Permissions::Role(role));
                        let identity = Identity { authid, authrole: name, authmethod, authprovider: by, permissions };
                        return Ok(Choice::Welcome(identity));
                    }
                    (Vouched::Several, _) => return Err(denied(SEVERAL)),
                    (Vouched::Nobody, Some(Membership { name, role })) if is_anonymous => {
                        let permissions = Permissions::Role(Arc::clone(role));
                        let identity = Identity::anonymous(permissions, ids);
                        return Ok(Choice::Welcome(Identity { authrole: name.clone(), ..identity }));
                    }
                    (Vouched::Nobody, _) => {}
                }
            } else if let Some(method) = Method::from_name(name) {
                return Ok(Choice::Challenge(method));
            }
        }
        let anonymous = self.users.anonymous().is_some();
        let known = Method::ALL.iter().filter(|method| anonymous || **method != Method::Anonymous);
        let names: Vec<&str> = known.map(|method| method.name()).collect();
        let got = excerpt(&format!("{:?}", details.authmethods));
        let sentence = format!("expected one of {} among authmethods, got {got}", names.join(", "));
        Err(WampError::new(uri::NO_AUTH_METHOD, &sentence))
    }

    /// An AUTHENTICATE of a challenged peer.
    fn authenticate(&mut self, peer: PeerId, signature: &Secret, now: Instant) -> Verdict {
        let address = self.addresses.get(&peer).copied();
        let pending = self.pending.remove(&peer);
        // Many could have said HELLO before the first of them was wrong.
        if !self.failures.may_try(address, now) {
            return Verdict::Refuse(too_many());
        }
        if let Some(Pending { realm, abilities, authid, failed, membership, proof }) = pending {
            let proved = proof.check(&authid, signature);
            if let (Some(authextra), Some(Membership { name, role })) = (proved, membership) {
                let (authmethod, permissions) = (proof.method().name(), Permissions::Role(role));
                let identity = Identity { authid, authrole: name, authmethod, authprovider: STATIC, permissions };
                let authextra = Some(authextra).filter(|extra| !extra.is_empty());
                return Verdict::Welcome(Box::new(Entry { authextra, ..Entry::new(realm, abilities, identity) }));
            }
            self.failed.insert(peer, failed);
        }
        Verdict::Fail(self.failures.failed(address, now))
    }
}

impl Proof {
    const fn method(&self) -> Method {
        match self {
            Self::Ticket(_) => Method::Ticket,
            Self::WampCra { .. } => Method::WampCra,
            Self::Scram { .. } => Method::Scram,
            Self::Cryptosign { .. } => Method::Cryptosign,
        }
    }

    /// What WELCOME says in `authextra` if the answer holds.
    fn check(&self, authid: &str, answer: &Secret) -> Option<Dict> {
        let holds = match self {
            Self::Ticket(Salted { salt, iterations, hash }) => wampcra::derive(answer, salt, *iterations, 32) == *hash,
            Self::WampCra { key, challenge } => wampcra::holds(key, challenge, answer.expose()),
            Self::Cryptosign { key, challenge } => key.holds(challenge, answer.expose()),
            Self::Scram { keys, client_nonce, nonce, salt, iterations } => {
                let exchange = Exchange { authid, client_nonce, nonce, salt, iterations: *iterations };
                let verifier = keys.check(&exchange, answer.expose())?;
                // Under the spec's name, and under the one that autobahn-python looks for.
                return Some(dict(json!({"verifier": verifier, "scram_server_signature": verifier})));
            }
        };
        holds.then(Dict::new)
    }
}

/// The refusal of a login.
fn denied(sentence: &str) -> WampError {
    WampError::new(uri::AUTHENTICATION_DENIED, sentence)
}

/// What those are told whose address must wait. It says nothing of their secret, which may be right: agents try again.
fn too_many() -> WampError {
    WampError::new(uri::UNAVAILABLE, "too many failed logins from this address; try again later")
}

fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.len() as u64 <= MAX_NONCE / 2 && scram::from_base64(text).is_some()
}

/// Both nonces, joined as bytes.
fn joined(client: &str, router: &[u8]) -> String {
    let mut both = scram::from_base64(client).unwrap_or_default();
    both.extend_from_slice(router);
    scram::base64(&both)
}

fn dict(value: serde_json::Value) -> Dict {
    match value {
        serde_json::Value::Object(dict) => dict,
        _ => Dict::new(),
    }
}

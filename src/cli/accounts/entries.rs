//! `wampproc passwd` and `wampproc keygen`: they make the entries of the file of users.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::{fill, prompt, store};
use crate::cli::failure::Failure;
use crate::cli::given::{Account, Ticket};
use crate::cli::output;
use crate::router::users::{CraEntry, Directory, Salt, ScramEntry, TicketEntry, UserEntry, UsersFile};
use crate::wamp::auth::cryptosign::PrivateKey;

/// Sets a user's secret.
///
/// # Errors
/// [`Failure`]; the file is as it was then.
pub fn passwd(account: &Account, authid: &str) -> Result<(), Failure> {
    let file = &account.users;
    let mut users = store::read_or_new(file)?;
    let mut entry = entry(&users, authid, account.role.as_deref())?;
    let secret = prompt::secret(authid)?;
    entry.wampcra = Some(CraEntry::new(&secret, salt()?));
    let scram = ScramEntry::new(&secret, salt()?);
    entry.scram = Some(scram.ok_or_else(|| Failure::Usage("expected a secret that can be hashed".to_owned()))?);
    entry.ticket = match account.ticket {
        Ticket::Refused => None,
        Ticket::Accepted => Some(TicketEntry::new(&secret, salt()?)),
    };
    users.users.insert(authid.to_owned(), entry);
    save(file, &users)
}

/// Makes a key pair: the private half in a file of its own, the public half printed, and added to a user if one is named.
///
/// # Errors
/// [`Failure`]; nothing was made then.
pub fn keygen(account: &Account, key_file: &Path) -> Result<(), Failure> {
    let mut users = match (&account.authid, account.users.as_os_str().is_empty()) {
        (None, true) => None,
        (Some(authid), false) => {
            let users = store::read_or_new(&account.users)?;
            let entry = entry(&users, authid, account.role.as_deref())?;
            Some((authid, users, entry))
        }
        (None, false) => return Err(Failure::Usage("--users: expected --authid with it, got none".to_owned())),
        (Some(_), true) => return Err(Failure::Usage("--authid: expected --users with it, got none".to_owned())),
    };
    let mut seed = Zeroizing::new([0; 32]);
    fill(seed.as_mut_slice())?;
    let key = PrivateKey::from_seed(&seed);
    let text = Zeroizing::new(format!("{}\n", key.to_hex().as_str()));
    store::create(key_file, &text)
        .map_err(|error| Failure::System { what: format!("make {}", key_file.display()), error })?;
    let public = key.public().to_string();
    if let Some((authid, mut users, mut entry)) = users.take() {
        entry.cryptosign.push(public.clone());
        users.users.insert(authid.clone(), entry);
        if let Err(failure) = save(&account.users, &users) {
            // Nobody knows this key yet.
            let _ = fs::remove_file(key_file);
            return Err(failure);
        }
    }
    output::line(&public)
}

/// The user's entry, or a new one.
fn entry(users: &UsersFile, authid: &str, role: Option<&str>) -> Result<UserEntry, Failure> {
    let known = users.users.get(authid).cloned();
    let role = match (role, &known) {
        (Some(role), _) => role.to_owned(),
        (None, Some(known)) => known.role.clone(),
        (None, None) => {
            let sentence = format!("--role: expected a role for {authid:?}, who is not in the file yet, got none");
            return Err(Failure::Usage(sentence));
        }
    };
    Ok(UserEntry { role, ..known.unwrap_or_default() })
}

/// Writes the file, if a router would take it.
fn save(file: &Path, users: &UsersFile) -> Result<(), Failure> {
    Directory::new(users, super::roles::built_in(), &super::names::resolve(users)?)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    store::replace(file, &users.to_text())
}

fn salt() -> Result<Salt, Failure> {
    let mut salt = Salt::default();
    fill(&mut salt)?;
    Ok(salt)
}

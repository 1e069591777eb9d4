//! Making an account.

use diesel_async::AsyncPgConnection;

use crate::contact::Contact;
use crate::domains::accounts::model::{
    AccountError, CodeProof, CodePurpose, Device, NewUser, ProfileChanges, Registration, SignedIn, User,
};
use crate::domains::accounts::service::codes::{self, CodeAttempt};
use crate::domains::accounts::service::{sessions, taken};
use crate::domains::accounts::{policy, store};
use crate::domains::search;
use crate::error::{AppError, AppResult, UserError};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::Validation;

/// What an account without a chosen name is called.
const NEWCOMER: &str = "新手咸鱼人员";

/// Makes an account and signs it in. All that is wrong with the input is told at once; whether a contact belongs to
/// another account is told only after its code was right.
///
/// # Errors
/// User errors of the input, `CAPTCHA_INVALID`, `CODE_INVALID`, `CODE_EXPIRED`, `USERNAME_TAKEN`, `EMAIL_TAKEN`,
/// `PHONE_TAKEN`, `RATE_LIMITED`; overloaded when too many passwords are being hashed.
pub async fn register(scope: &Scope, registration: Registration) -> AppResult<SignedIn> {
    check(&registration).map_err(AppError::User)?;
    let app = &scope.app;
    app.passwords.check_queue()?;
    let proves_contact = registration.email_code.is_some() || registration.phone_code.is_some();
    if app.config.require_captcha && !proves_contact {
        codes::check_captcha(scope, registration.captcha, CodePurpose::Register, "input.captcha").await?;
    }
    let buckets = policy::registration_buckets(&app.config.rates, scope.requester());
    rate_limit::consume(&*scope.db.read().await?, &buckets, app.clock.now()).await?;
    let email = registration.email.map(Contact::Email);
    let phone = registration.phone.map(Contact::Phone);
    let mut proofs = Vec::new();
    for (contact, code, path) in
        [(&email, &registration.email_code, "input.emailCode"), (&phone, &registration.phone_code, "input.phoneCode")]
    {
        if let (Some(contact), Some(code)) = (contact, code) {
            let said = CodeAttempt { contact: contact.clone(), purpose: CodePurpose::Register, code, path };
            proofs.push(codes::check_code(scope, said).await?);
        }
    }
    // Hashing takes long: others may have the connection meanwhile.
    scope.db.release().await;
    let hash = app.passwords.hash(registration.password).await?;
    let proven = |contact: &Option<Contact>| contact.clone().filter(|contact| is_proven(&proofs, contact));
    let account = Newcomer {
        username: registration.username,
        nickname: registration.nickname,
        password_hash: Some(hash),
        email: proven(&email),
        phone: proven(&phone),
    };
    let pending: Vec<Contact> = [email, phone].into_iter().flatten().filter(|c| !is_proven(&proofs, c)).collect();
    let signed_in = scope
        .transaction(async |conn| {
            codes::use_up(conn, &proofs).await?;
            let user = account.insert(scope, conn).await?;
            if !pending.is_empty() {
                store::profiles::update_profile(conn, user.id, &waiting(&pending)).await?;
            }
            let tokens = sessions::open(scope, conn, user.id, None, registration.device.clone()).await?;
            let tokens = tokens.ok_or_else(|| AppError::internal("a new account can't be signed in to"))?;
            Ok::<_, AppError>(SignedIn { tokens, user })
        })
        .await?;
    codes::send_unasked(scope, &pending).await;
    Ok(signed_in)
}

fn is_proven(proofs: &[CodeProof], contact: &Contact) -> bool {
    proofs.iter().any(|proof| proof.contact == *contact)
}

/// Contacts that wait for their code.
fn waiting(contacts: &[Contact]) -> ProfileChanges {
    let mut changes = ProfileChanges::default();
    for contact in contacts {
        match contact {
            Contact::Email(email) => changes.pending_email = Some(Some(email.clone())),
            Contact::Phone(phone) => changes.pending_phone = Some(Some(phone.clone())),
        }
    }
    changes
}

/// Makes an account by a proven contact alone, and signs it in, within the caller's transaction.
///
/// # Errors
/// `EMAIL_TAKEN` or `PHONE_TAKEN` when another account was first.
pub(super) async fn register_by_contact(
    scope: &Scope,
    conn: &AsyncPgConnection,
    contact: &Contact,
    device: Device,
) -> AppResult<SignedIn> {
    let (email, phone) = match contact.clone() {
        email @ Contact::Email(_) => (Some(email), None),
        phone @ Contact::Phone(_) => (None, Some(phone)),
    };
    let account = Newcomer { username: None, nickname: None, password_hash: None, email, phone };
    let user = account.insert(scope, conn).await?;
    let tokens = sessions::open(scope, conn, user.id, None, device).await?;
    let mut tokens = tokens.ok_or_else(|| AppError::internal("a new account can't be signed in to"))?;
    tokens.needs_password_update = true;
    Ok(SignedIn { tokens, user })
}

/// An account to be made; its contacts are proven.
struct Newcomer {
    username: Option<String>,
    nickname: Option<String>,
    password_hash: Option<String>,
    email: Option<Contact>,
    phone: Option<Contact>,
}

impl Newcomer {
    async fn insert(&self, scope: &Scope, conn: &AsyncPgConnection) -> AppResult<User> {
        let text = |contact: &Option<Contact>| contact.as_ref().map(|contact| contact.as_str().to_owned());
        let (account_number, username) = if let Some(username) = &self.username {
            (None, policy::stored_name(username))
        } else {
            let number = store::next_account_number(conn).await?;
            (Some(number), format!("u{number}"))
        };
        let nickname = self.nickname.as_deref().or(self.username.as_deref()).unwrap_or(NEWCOMER);
        let user = NewUser {
            account_number,
            username_key: policy::username_key(&username),
            username,
            nickname: policy::stored_name(nickname),
            password_hash: self.password_hash.clone(),
            email: text(&self.email),
            email_verified: self.email.is_some(),
            phone: text(&self.phone),
            phone_verified: self.phone.is_some(),
            created_at: scope.app.clock.now(),
        };
        let user = store::insert_user(conn, user).await.map_err(taken)?;
        search::service::index(conn, &user).await?;
        Ok(user)
    }
}

/// Whether the whole registration is acceptable.
fn check(registration: &Registration) -> Result<(), Vec<UserError>> {
    let Registration { username, nickname, email, phone, email_code, phone_code, .. } = registration;
    let mut validation = Validation::default();
    let proven = (email.is_some() && email_code.is_some()) || (phone.is_some() && phone_code.is_some());
    match username {
        None if !proven => drop(validation.check(Err::<(), _>(AccountError::UsernameMissing), "input.username")),
        None => {}
        Some(username) => drop(validation.check(policy::check_username(username), "input.username")),
    }
    validation.check(policy::check_password(&registration.password), "input.password");
    if let Some(nickname) = nickname {
        validation.check(policy::check_nickname(nickname), "input.nickname");
    }
    for (contact, code, path) in [(email, email_code, "input.email"), (phone, phone_code, "input.phone")] {
        if contact.is_none() && code.is_some() {
            validation.check(Err::<(), _>(AccountError::ContactMissing), path);
        }
    }
    validation.check(policy::check_device_name(registration.device.name.as_deref()), "input.deviceName");
    validation.into_result()
}

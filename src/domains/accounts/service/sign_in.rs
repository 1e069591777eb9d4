//! Signing in, or proving the same identity once more: with a password, or with a one-time code.

use diesel_async::AsyncPgConnection;

use crate::contact::Contact;
use crate::domains::accounts::model::{Access, AccountError, CaptchaAnswer, CodePurpose, Device, SignedIn, User};
use crate::domains::accounts::policy::{self, AccountName, LoginBuckets, TRIES_WITHOUT_CAPTCHA};
use crate::domains::accounts::service::codes::{self, CodeAttempt};
use crate::domains::accounts::service::{register, sessions};
use crate::domains::accounts::store;
use crate::error::{AppError, AppResult, UserError, UserErrorCode};
use crate::rate_limit::{self, Bucket};
use crate::scope::Scope;

/// How often signing in to an account that is being made elsewhere is tried.
const TRIES: usize = 3;

/// Where an operation has its credential.
#[derive(Clone, Copy, Debug)]
pub enum CredentialPlace {
    /// `login(input: { credential })`.
    Login,
    /// `reauthenticate(credential)`.
    Proof,
}

impl CredentialPlace {
    fn path(self) -> &'static str {
        match self {
            Self::Login => "input.credential",
            Self::Proof => "credential",
        }
    }

    fn password(self) -> String {
        format!("{}.password", self.path())
    }

    fn code(self, contact: &Contact) -> &'static str {
        match (self, contact) {
            (Self::Login, Contact::Email(_)) => "input.credential.emailCode.code",
            (Self::Login, Contact::Phone(_)) => "input.credential.phoneCode.code",
            (Self::Proof, Contact::Email(_)) => "credential.emailCode.code",
            (Self::Proof, Contact::Phone(_)) => "credential.phoneCode.code",
        }
    }
}

/// An account's name and its password, as they were typed.
pub struct Password {
    /// Username, e-mail or phone.
    pub account: String,
    /// The password.
    pub password: String,
    /// A solved captcha.
    pub captcha: Option<CaptchaAnswer>,
}

/// Signs in with a password.
///
/// # Errors
/// `INVALID_INPUT` for a name that no account can have, `INVALID_CREDENTIALS` for an unknown account and for a wrong password
/// alike, `ACCOUNT_SUSPENDED` only after the right one, `CAPTCHA_INVALID`, `RATE_LIMITED`; overloaded when too many wait.
pub async fn login(scope: &Scope, credential: Password, device: Device) -> AppResult<SignedIn> {
    policy::check_device_name(device.name.as_deref()).map_err(|error| error.at("input.deviceName"))?;
    let Proven { user, access } = prove_password(scope, credential, CredentialPlace::Login).await?;
    check_suspension(scope, &access, CredentialPlace::Login)?;
    let hash = access.password_hash.as_deref();
    let opened =
        scope.transaction(async |conn| sessions::open(scope, conn, user.id, hash, device.clone()).await).await?;
    // None: what was right a moment ago was changed while it was compared.
    let mismatch = || AppError::from(AccountError::CredentialsMismatch.at(&CredentialPlace::Login.password()));
    Ok(SignedIn { tokens: opened.ok_or_else(mismatch)?, user })
}

/// An account whose password was right.
struct Proven {
    user: User,
    /// With the password's hash that was compared with.
    access: Access,
}

/// What a try at a password is counted in.
async fn login_buckets(scope: &Scope, name: &AccountName, found: Option<&(User, Access)>) -> AppResult<LoginBuckets> {
    let (rates, id) = (&scope.app.config.rates, found.map(|(user, _)| user.id));
    let is_known = policy::counts(scope.requester(), rates.logins)
        && sessions::is_known_address(scope, &*scope.db.read().await?, id).await?;
    Ok(policy::login_buckets(rates, scope.requester(), name.key(), id, is_known))
}

/// Counts a try at a password and compares it; only wrong ones stay counted.
async fn prove_password(scope: &Scope, credential: Password, place: CredentialPlace) -> AppResult<Proven> {
    let name = AccountName::parse(&credential.account);
    let name = name.map_err(|error| error.at(&format!("{}.account", place.password())))?;
    scope.app.passwords.check_queue()?;
    let now = scope.app.clock.now();
    let found = store::find_login(&*scope.db.read().await?, &name).await?;
    let LoginBuckets { by_name, by_account } = login_buckets(scope, &name, found.as_ref()).await?;
    let tried = rate_limit::consume(&*scope.db.read().await?, &by_name, now).await?;
    if scope.app.config.require_captcha || tried.first().is_some_and(|tried| *tried > TRIES_WITHOUT_CAPTCHA) {
        check_captcha(scope, credential.captcha, &by_name, place).await?;
    }
    let may_try = rate_limit::try_consume(&*scope.db.read().await?, &by_account, now).await?;
    // Hashing takes long: others may have the connection meanwhile.
    scope.db.release().await;
    let hash = found.as_ref().filter(|_| may_try).and_then(|(_, access)| access.password_hash.clone());
    let matches = scope.app.passwords.verify(credential.password, hash).await?;
    let mismatch = || AppError::from(AccountError::CredentialsMismatch.at(&place.password()));
    let (user, access) = found.filter(|_| matches).ok_or_else(mismatch)?;
    rate_limit::refund(&*scope.db.read().await?, &[by_name, by_account].concat()).await?;
    Ok(Proven { user, access })
}

/// Notes that the viewer proved who they are, by the password of their own account.
///
/// # Errors
/// As [`login`]; `INVALID_CREDENTIALS` for another account's.
pub async fn reauthenticate(scope: &Scope, credential: Password) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let place = CredentialPlace::Proof;
    let Proven { user, access: compared } = prove_password(scope, credential, place).await?;
    let mismatch = || AppError::from(AccountError::CredentialsMismatch.at(&place.password()));
    if user.id != viewer.user_id {
        return Err(mismatch());
    }
    scope
        .transaction(async |conn| {
            // Held, so that no new password comes in between.
            let (_, access) = store::lock_user(conn, user.id).await?.ok_or_else(AppError::unauthenticated)?;
            if access.password_hash == compared.password_hash {
                note_authentication(scope, conn).await
            } else {
                Err(mismatch())
            }
        })
        .await
}

/// Notes that the viewer proved who they are, by a code for a contact of their own account.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`; `INVALID_CREDENTIALS` for another account's contact.
pub async fn reauthenticate_with_code(scope: &Scope, contact: Contact, code: &str) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let path = CredentialPlace::Proof.code(&contact);
    let name = AccountName::Contact(contact.clone());
    let said = CodeAttempt { contact, purpose: CodePurpose::Login, code, path };
    let proof = codes::check_code(scope, said).await?;
    scope
        .transaction(async |conn| {
            codes::use_up(conn, std::slice::from_ref(&proof)).await?;
            let found = store::find_login(conn, &name).await?;
            if found.is_none_or(|(user, _)| user.id != viewer.user_id) {
                return Err(AccountError::CredentialsMismatch.at(CredentialPlace::Proof.path()).into());
            }
            note_authentication(scope, conn).await
        })
        .await
}

async fn note_authentication(scope: &Scope, conn: &AsyncPgConnection) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let now = scope.app.clock.now();
    let noted = store::sessions::update_authenticated(conn, viewer.user_id, viewer.session_id, now).await?;
    if noted { Ok(()) } else { Err(AppError::unauthenticated()) }
}

/// A try without a solved captcha is no try at the password.
async fn check_captcha(
    scope: &Scope,
    captcha: Option<CaptchaAnswer>,
    buckets: &[Bucket],
    place: CredentialPlace,
) -> AppResult<()> {
    let path = format!("{}.captcha", place.password());
    let checked = codes::check_captcha(scope, captcha, CodePurpose::Login, &path).await;
    if checked.is_err() {
        rate_limit::refund(&*scope.db.read().await?, buckets).await?;
    }
    checked
}

fn check_suspension(scope: &Scope, access: &Access, place: CredentialPlace) -> AppResult<()> {
    if !access.is_suspended(scope.app.clock.now()) {
        return Ok(());
    }
    let (until, reason) = (access.suspended_until, access.suspension_reason.clone());
    Err(AccountError::Suspended { until, reason }.at(place.path()).into())
}

/// Signs in with a one-time code; the first time it makes the account.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`, `ACCOUNT_SUSPENDED`, and `RATE_LIMITED` where an account would have to be made.
pub async fn login_with_code(scope: &Scope, contact: Contact, code: &str, device: Device) -> AppResult<SignedIn> {
    policy::check_device_name(device.name.as_deref()).map_err(|error| error.at("input.deviceName"))?;
    let path = CredentialPlace::Login.code(&contact);
    let said = CodeAttempt { contact: contact.clone(), purpose: CodePurpose::Login, code, path };
    let proof = codes::check_code(scope, said).await?;
    let name = AccountName::Contact(contact.clone());
    for _ in 0..TRIES {
        let found = store::find_login(&*scope.db.read().await?, &name).await?;
        if let Some((_, access)) = &found {
            check_suspension(scope, access, CredentialPlace::Login)?;
        } else {
            let buckets = policy::registration_buckets(&scope.app.config.rates, scope.requester());
            rate_limit::consume(&*scope.db.read().await?, &buckets, scope.app.clock.now()).await?;
        }
        let signed_in = scope
            .transaction(async |conn| {
                codes::use_up(conn, std::slice::from_ref(&proof)).await?;
                match &found {
                    Some((user, access)) => open(scope, conn, user.clone(), access, device.clone()).await,
                    None => register::register_by_contact(scope, conn, &contact, device.clone()).await,
                }
            })
            .await;
        match signed_in {
            // Another request made the account first: look again.
            Err(AppError::User(errors)) if errors.iter().any(is_taken) => {}
            done => return done,
        }
    }
    Err(AppError::overloaded())
}

fn is_taken(error: &UserError) -> bool {
    matches!(error.code, UserErrorCode::EmailTaken | UserErrorCode::PhoneTaken)
}

async fn open(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user: User,
    access: &Access,
    device: Device,
) -> AppResult<SignedIn> {
    let opened = sessions::open(scope, conn, user.id, None, device).await?;
    let mut tokens = opened.ok_or_else(|| AccountError::CredentialsMismatch.at("input.credential"))?;
    tokens.needs_password_update = access.password_hash.is_none();
    Ok(SignedIn { tokens, user })
}

//! Signing in: with a password, or with a one-time code.

use diesel_async::{AsyncConnection, AsyncPgConnection};

use super::codes::{self, Said};
use super::{registering, sessions};
use crate::contact::Contact;
use crate::domains::accounts::model::{Access, AccountError, CaptchaAnswer, CodePurpose, Device, SignedIn, User};
use crate::domains::accounts::policy::{self, AccountName, TRIES_WITHOUT_CAPTCHA};
use crate::domains::accounts::store;
use crate::error::{AppError, AppResult, UserError, UserErrorCode};
use crate::rates::{self, Bucket};
use crate::scope::Scope;

/// How often signing in to an account that is being made elsewhere is tried.
const TRIES: usize = 3;

/// An account's name and its password, as somebody typed them.
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
/// `INVALID_CREDENTIALS` for an unknown account and for a wrong password alike, `ACCOUNT_SUSPENDED` only after the right
/// one, `CAPTCHA_INVALID`, `RATE_LIMITED`; overloaded when too many wait.
pub async fn login(scope: &Scope, credential: Password, device: Device) -> AppResult<SignedIn> {
    policy::check_device_name(device.name.as_deref()).map_err(|error| error.at("input.deviceName"))?;
    scope.app.passwords.check_room()?;
    let name = AccountName::parse(&credential.account);
    let buckets = policy::login_buckets(&scope.app.config.rates, &scope.requester, name.key());
    let tried = rates::spend(&*scope.db.read().await?, &buckets, scope.app.clock.now()).await?;
    if scope.app.config.require_captcha || tried.first().is_some_and(|tried| *tried > TRIES_WITHOUT_CAPTCHA) {
        check_captcha(scope, credential.captcha, &buckets).await?;
    }
    let found = store::find_login(&*scope.db.read().await?, &name).await?;
    // Hashing takes long: others may have the connection meanwhile.
    scope.db.release().await;
    let hash = found.as_ref().and_then(|(_, access)| access.password_hash.clone());
    let matches = scope.app.passwords.verify(credential.password, hash.clone()).await?;
    let mismatch = || AppError::from(AccountError::CredentialsMismatch.at("input.credential.password"));
    let (user, access) = found.filter(|_| matches).ok_or_else(mismatch)?;
    check_suspension(scope, &access)?;
    let mut conn = scope.db.write().await?;
    let opened =
        conn.transaction(async |conn| sessions::open(scope, conn, (user.id, hash.as_deref()), device).await).await?;
    // Only wrong passwords count.
    rates::refund(&conn, &buckets).await?;
    // None: what was right a moment ago was changed while it was compared.
    Ok(SignedIn { tokens: opened.ok_or_else(mismatch)?, user })
}

/// A try without a solved captcha is no try at the password.
async fn check_captcha(scope: &Scope, captcha: Option<CaptchaAnswer>, buckets: &[Bucket]) -> AppResult<()> {
    let path = "input.credential.password.captcha";
    let checked = codes::check_captcha(scope, captcha, CodePurpose::Login, path).await;
    if checked.is_err() {
        rates::refund(&*scope.db.read().await?, buckets).await?;
    }
    checked
}

fn check_suspension(scope: &Scope, access: &Access) -> AppResult<()> {
    if !access.is_suspended(scope.app.clock.now()) {
        return Ok(());
    }
    let (until, reason) = (access.suspended_until, access.suspension_reason.clone());
    Err(AccountError::Suspended { until, reason }.at("input.credential").into())
}

/// Signs in with a one-time code; the first time it makes the account.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`, `ACCOUNT_SUSPENDED`, and `RATE_LIMITED` where an account would have to be made.
pub async fn login_with_code(scope: &Scope, contact: Contact, code: &str, device: Device) -> AppResult<SignedIn> {
    policy::check_device_name(device.name.as_deref()).map_err(|error| error.at("input.deviceName"))?;
    let path = match contact {
        Contact::Email(_) => "input.credential.emailCode.code",
        Contact::Phone(_) => "input.credential.phoneCode.code",
    };
    let said = Said { contact: contact.clone(), purpose: CodePurpose::Login, code, path };
    let proof = codes::check_code(scope, said).await?;
    let name = AccountName::Contact(contact.clone());
    for _ in 0..TRIES {
        let found = store::find_login(&*scope.db.read().await?, &name).await?;
        if let Some((_, access)) = &found {
            check_suspension(scope, access)?;
        } else {
            let buckets = policy::registration_buckets(&scope.app.config.rates, &scope.requester);
            rates::spend(&*scope.db.read().await?, &buckets, scope.app.clock.now()).await?;
        }
        let mut conn = scope.db.write().await?;
        let signed_in = conn
            .transaction(async |conn| {
                codes::use_up(conn, std::slice::from_ref(&proof)).await?;
                match found {
                    Some(account) => open(scope, conn, account, device.clone()).await,
                    None => registering::register_by_contact(scope, conn, &contact, device.clone()).await,
                }
            })
            .await;
        match signed_in {
            // Somebody else made the account first: look again.
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
    (user, access): (User, Access),
    device: Device,
) -> AppResult<SignedIn> {
    let opened = sessions::open(scope, conn, (user.id, None), device).await?;
    let mut tokens = opened.ok_or_else(|| AccountError::CredentialsMismatch.at("input.credential"))?;
    tokens.needs_password_update = access.password_hash.is_none();
    Ok(SignedIn { tokens, user })
}

//! One-time codes and captchas: made, sent, tried, used up.
//!
//! A try is counted by a statement of its own, before the code is compared, and stays counted in any case. A code
//! that was right is used up in the transaction of what it is good for, so it counts once, and not at all if that fails.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel_async::AsyncPgConnection;

use super::sessions;
use crate::app::App;
use crate::auth::{captcha, code};
use crate::clock::random_bytes;
use crate::contact::Contact;
use crate::domains::accounts::model::code::{ImageCaptcha, NewCode};
use crate::domains::accounts::model::{Access, AccountError, CaptchaAnswer, CodeProof, CodePurpose, Profile};
use crate::domains::accounts::policy::AccountName;
use crate::domains::accounts::policy::codes::{CAPTCHA_LIFETIME, CODE_INTERVAL, LIFETIME, MessageTemplate};
use crate::domains::accounts::{policy, store};
use crate::error::{AppError, AppResult};
use crate::mailer;
use crate::rate_limit;
use crate::scope::Scope;

/// Sends a code to a contact. Whether anybody has it makes no difference.
///
/// # Errors
/// `INVALID_INPUT` for a purpose that is not had this way, or a contact that does not wait to be verified;
/// `CAPTCHA_INVALID`, `RATE_LIMITED`; unauthenticated when a contact is to be verified without a token.
pub async fn request_code(
    scope: &Scope,
    contact: Contact,
    purpose: CodePurpose,
    captcha: Option<CaptchaAnswer>,
) -> AppResult<()> {
    policy::codes::check_purpose(purpose, &contact).map_err(|error| error.at("input.purpose"))?;
    if purpose == CodePurpose::verifying(&contact) {
        return request_verification(scope, &contact, purpose).await;
    }
    demand_captcha(scope, captcha, purpose, "input.captcha").await?;
    send(scope, &contact, purpose).await
}

/// A code for a contact of the viewer's own; the one that went out with the change of the contact will do.
async fn request_verification(scope: &Scope, contact: &Contact, purpose: CodePurpose) -> AppResult<()> {
    let viewer = scope.viewer()?;
    let details = store::profiles::find_details(&*scope.db.read().await?, viewer.user_id).await?;
    let (access, profile) = details.ok_or_else(AppError::unauthenticated)?;
    if !waits(&access, &profile, contact) {
        return Err(AccountError::NotPending.at("input.contact").into());
    }
    let since = scope.app.clock.now() - CODE_INTERVAL;
    if store::codes::claim_unasked(&*scope.db.read().await?, contact.as_str(), purpose, since).await? {
        return Ok(());
    }
    send(scope, contact, purpose).await
}

/// Whether an account's contact is not proven yet.
pub(super) fn waits(access: &Access, profile: &Profile, contact: &Contact) -> bool {
    match contact {
        Contact::Email(email) => {
            profile.pending_email.as_ref() == Some(email)
                || (!access.email_verified && access.email.as_ref() == Some(email))
        }
        Contact::Phone(phone) => {
            profile.pending_phone.as_ref() == Some(phone)
                || (!access.phone_verified && access.phone.as_ref() == Some(phone))
        }
    }
}

/// Sends a code to reset a password, if an account has this contact; the client does not learn whether.
///
/// # Errors
/// `CAPTCHA_INVALID`, `RATE_LIMITED`.
pub async fn request_reset(scope: &Scope, contact: Contact, captcha: Option<CaptchaAnswer>) -> AppResult<()> {
    demand_captcha(scope, captcha, CodePurpose::ResetPassword, "captcha").await?;
    send(scope, &contact, CodePurpose::ResetPassword).await
}

async fn send(scope: &Scope, contact: &Contact, purpose: CodePurpose) -> AppResult<()> {
    count(scope, contact, MessageTemplate::code(contact, purpose)).await?;
    issue(scope, contact, purpose, false).await
}

/// Sends a code to each contact that was just changed, unless it got too many lately: then it has to be asked for. The
/// change itself stands, even if this fails.
pub(super) async fn send_unasked(scope: &Scope, contacts: &[Contact]) {
    for contact in contacts {
        let sent = async {
            count(scope, contact, MessageTemplate::Verification).await?;
            issue(scope, contact, CodePurpose::verifying(contact), true).await
        };
        if let Err(error) = sent.await {
            tracing::warn!(cause = %error.describe(), "code for a changed contact not sent");
        }
    }
}

/// Counts what is sent to a contact.
pub(super) async fn count(scope: &Scope, contact: &Contact, sent: MessageTemplate) -> AppResult<()> {
    let conn = scope.db.read().await?;
    let rates = &scope.app.config.rates;
    let known = sent == MessageTemplate::Code && policy::counts(scope.requester(), rates.codes) && {
        let found = store::find_login(&conn, &AccountName::Contact(contact.clone())).await?;
        sessions::is_known_address(scope, &conn, found.map(|(user, _)| user.id)).await?
    };
    let buckets = policy::codes::buckets(rates, scope.requester(), contact, known, sent);
    rate_limit::consume(&conn, &buckets, scope.app.clock.now()).await.map(drop)
}

async fn issue(scope: &Scope, contact: &Contact, purpose: CodePurpose, unasked: bool) -> AppResult<()> {
    let (code, now) = (code::generate(), scope.app.clock.now());
    let hash = scope.app.keys.hash(&[purpose.as_str(), contact.as_str(), &code]);
    let rates = &scope.app.config.rates;
    let asked_from = policy::codes::asked_from(rates, scope.requester());
    let row = NewCode { contact, purpose, asked_from, hash, unasked, created_at: now, expires_at: now + LIFETIME };
    let message = policy::codes::code_message(contact, purpose, &code, now);
    scope
        .transaction(async |conn| {
            store::codes::replace_code(conn, &row).await?;
            // A new code has tries of its own; those of the address stay counted.
            let tries = policy::code_try_buckets(rates, scope.requester(), contact).into_iter().next();
            rate_limit::clear(conn, tries.as_slice()).await?;
            mailer::enqueue(conn, message.clone()).await
        })
        .await?;
    scope.app.mailer.wake();
    Ok(())
}

/// A code that a client said, and where.
pub(super) struct CodeAttempt<'a> {
    pub contact: Contact,
    pub purpose: CodePurpose,
    pub code: &'a str,
    pub path: &'static str,
}

/// Counts a try, compares, and returns a proof to be used up. A code that is over is called so only by who knows it.
pub(super) async fn check_code(scope: &Scope, said: CodeAttempt<'_>) -> AppResult<CodeProof> {
    let CodeAttempt { contact, purpose, code, path } = said;
    let wrong = || AppError::from(AccountError::CodeWrong.at(path));
    let conn = scope.db.read().await?;
    let buckets = policy::code_try_buckets(&scope.app.config.rates, scope.requester(), &contact);
    rate_limit::consume(&conn, &buckets, scope.app.clock.now()).await?;
    let from = policy::codes::asked_from(&scope.app.config.rates, scope.requester());
    let live = store::codes::count_try(&conn, contact.as_str(), purpose, &from).await?;
    let parts = [purpose.as_str(), contact.as_str(), &code::normalise(code)];
    let right = live.into_iter().find(|(hash, _)| scope.app.keys.matches(hash, &parts));
    let (hash, expires_at) = right.ok_or_else(wrong)?;
    // Only wrong codes count.
    rate_limit::refund(&conn, &buckets).await?;
    if expires_at <= scope.app.clock.now() {
        return Err(AccountError::CodeExpired.at(path).into());
    }
    Ok(CodeProof { contact, purpose, hash, path })
}

/// Uses codes up, within the caller's transaction.
pub(super) async fn use_up(conn: &AsyncPgConnection, proofs: &[CodeProof]) -> AppResult<()> {
    for proof in proofs {
        if !store::codes::delete_codes(conn, proof.contact.as_str(), proof.purpose, &proof.hash).await? {
            return Err(AccountError::CodeWrong.at(proof.path).into());
        }
    }
    Ok(())
}

/// Makes a captcha for a purpose.
///
/// # Errors
/// `RATE_LIMITED`.
pub async fn create_captcha(scope: &Scope, purpose: CodePurpose) -> AppResult<ImageCaptcha> {
    let app = &scope.app;
    let buckets = policy::captcha_buckets(&app.config.rates, scope.requester());
    rate_limit::consume(&*scope.db.read().await?, &buckets, app.clock.now()).await?;
    scope.db.release().await;
    let picture = app.passwords.run_with_permit(captcha::draw).await??;
    let key = URL_SAFE_NO_PAD.encode(random_bytes::<16>());
    let expires_at = app.clock.now() + CAPTCHA_LIFETIME;
    let (key_hash, answer_hash) = (app.keys.hash(&[&key]), app.keys.hash(&[&key, &picture.answer]));
    let conn = scope.db.read().await?;
    store::codes::insert_captcha(&conn, &key_hash, purpose, &answer_hash, expires_at).await?;
    Ok(ImageCaptcha { key, png: picture.png, expires_at })
}

/// Asks for a solved captcha where the settings want one.
async fn demand_captcha(
    scope: &Scope,
    answer: Option<CaptchaAnswer>,
    purpose: CodePurpose,
    path: &str,
) -> AppResult<()> {
    if scope.app.config.require_captcha { check_captcha(scope, answer, purpose, path).await } else { Ok(()) }
}

/// Uses a captcha up, right or wrong, and says whether it was right.
pub(super) async fn check_captcha(
    scope: &Scope,
    answer: Option<CaptchaAnswer>,
    purpose: CodePurpose,
    path: &str,
) -> AppResult<()> {
    let Some(CaptchaAnswer { key, answer }) = answer else {
        return Err(AccountError::CaptchaMissing(purpose.as_str()).at(path).into());
    };
    let keys = &scope.app.keys;
    let conn = scope.db.read().await?;
    let taken = store::codes::take_captcha(&conn, &keys.hash(&[&key])).await?;
    let right = taken.is_some_and(|(made_for, hash, expires_at)| {
        made_for == purpose
            && expires_at > scope.app.clock.now()
            && keys.matches(&hash, &[&key, &captcha::normalise(&answer)])
    });
    if right { Ok(()) } else { Err(AccountError::CaptchaWrong.at(path).into()) }
}

/// Deletes codes and captchas that have expired; run now and then.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired_codes(app: &App) -> AppResult<usize> {
    let conn = app.database.get().await?;
    Ok(store::codes::delete_ended(&conn, app.clock.now()).await?)
}

/// The contacts that an account's holder has proven. Codes and messages for one that is not proven may be another person's.
pub(super) fn proven_contacts(access: &Access) -> Vec<String> {
    let email = access.email.as_ref().filter(|_| access.email_verified);
    let phone = access.phone.as_ref().filter(|_| access.phone_verified);
    email.into_iter().chain(phone).cloned().collect()
}

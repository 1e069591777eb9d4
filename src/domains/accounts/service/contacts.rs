//! E-mail addresses and phone numbers: proving that they are the user's own.

use diesel_async::AsyncPgConnection;

use super::codes::{self, CodeAttempt};
use super::taken;
use crate::auth::link::{self, VerificationLink};
use crate::contact::Contact;
use crate::domains::accounts::model::{
    Access, AccountError, CodeProof, CodePurpose, ContactFlags, Profile, User, UserChanges,
};
use crate::domains::accounts::policy::codes::MessageTemplate;
use crate::domains::accounts::{policy, store};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;
use crate::mailer;
use crate::scope::Scope;

/// Makes a pending contact the account's own, by the code that was sent to it.
///
/// # Errors
/// `INVALID_INPUT` when it is not waiting, `CODE_INVALID`, `CODE_EXPIRED`, `EMAIL_TAKEN`, `PHONE_TAKEN`.
pub async fn verify_contact(scope: &Scope, contact: Contact, code: &str) -> AppResult<User> {
    let viewer = scope.viewer()?.user_id;
    let details = store::profiles::find_details(&*scope.db.read().await?, viewer).await?;
    let (access, profile) = details.ok_or_else(AppError::unauthenticated)?;
    if !codes::waits(&access, &profile, &contact) {
        return Err(AccountError::NotPending.at("contact").into());
    }
    let purpose = CodePurpose::verifying(&contact);
    let said = CodeAttempt { contact: contact.clone(), purpose, code, path: "code" };
    let proof = codes::check_code(scope, said).await?;
    confirm(scope, viewer, &contact, &[proof], || AccountError::NotPending.at("contact").into()).await
}

/// Makes a contact the account's own and uses up the codes that prove it; `over` is the error when it waits no more.
async fn confirm(
    scope: &Scope,
    id: UserId,
    contact: &Contact,
    proofs: &[CodeProof],
    over: impl Fn() -> AppError + Send + Sync,
) -> AppResult<User> {
    let confirmed = scope.transaction(async |conn| {
        codes::use_up(conn, proofs).await?;
        make_own(scope, conn, id, contact).await?.ok_or_else(&over)
    });
    confirmed.await.inspect(|_| scope.app.mailer.wake())
}

/// Makes a contact the account's own, within the caller's transaction; none when it waits no more.
async fn make_own(scope: &Scope, conn: &AsyncPgConnection, id: UserId, contact: &Contact) -> AppResult<Option<User>> {
    // The lock comes first, so that no change of contacts comes in between.
    let Some((user, access)) = store::lock_user(conn, id).await? else { return Ok(None) };
    let was_pending = store::profiles::clear_pending(conn, id, contact).await?;
    let text = contact.as_str();
    let (own, verified) = match contact {
        Contact::Email(_) => (access.email.as_deref() == Some(text), access.email_verified),
        Contact::Phone(_) => (access.phone.as_deref() == Some(text), access.phone_verified),
    };
    if own && verified {
        return Ok(Some(user));
    }
    if !own && !was_pending {
        return Ok(None);
    }
    let value = Some(Some(text.to_owned()));
    let changes = match contact {
        Contact::Email(_) => UserChanges { email: value, email_verified: Some(true), ..UserChanges::default() },
        Contact::Phone(_) => UserChanges { phone: value, phone_verified: Some(true), ..UserChanges::default() },
    };
    let changes = UserChanges { updated_at: Some(scope.app.clock.now()), ..changes };
    let confirmed = store::update_user(conn, id, &changes).await.map_err(taken)?;
    scope.note_changed(id);
    if !own {
        let replaced =
            ContactFlags { email: matches!(contact, Contact::Email(_)), phone: matches!(contact, Contact::Phone(_)) };
        tell_removed(scope, conn, &user, &access, replaced).await?;
    }
    Ok(confirmed)
}

/// Tells the holder of an account's own contact that it is no longer the account's, within the caller's transaction. The
/// message counts in no rate: the contact was proven by a code that did.
pub(super) async fn tell_removed(
    scope: &Scope,
    conn: &AsyncPgConnection,
    user: &User,
    access: &Access,
    removed: ContactFlags,
) -> AppResult<()> {
    let email = access.email.clone().filter(|_| removed.email).map(Contact::Email);
    let phone = access.phone.clone().filter(|_| removed.phone).map(Contact::Phone);
    for contact in [email, phone].into_iter().flatten() {
        let message = policy::codes::removed_message(&contact, &user.username, scope.app.clock.now());
        mailer::enqueue(conn, message).await?;
    }
    Ok(())
}

/// Mails a link that verifies the viewer's pending e-mail address.
///
/// # Errors
/// `INVALID_INPUT` when none is waiting, `RATE_LIMITED`.
pub async fn send_link(scope: &Scope) -> AppResult<()> {
    let viewer = scope.viewer()?.user_id;
    let app = &scope.app;
    let conn = scope.db.read().await?;
    let details = store::profiles::find_details(&conn, viewer).await?;
    let (access, profile) = details.ok_or_else(AppError::unauthenticated)?;
    let email = waiting_email(&access, &profile).ok_or_else(|| AccountError::NothingPending.at(""))?;
    let (contact, now) = (Contact::Email(email.clone()), app.clock.now());
    codes::count(scope, &contact, MessageTemplate::Link).await?;
    let users = store::list_users(&conn, &[viewer]).await?;
    let username = users.into_iter().next().ok_or_else(AppError::unauthenticated)?.username;
    let token = link::issue(&app.keys, viewer, &email, now)?;
    let link = format!("{}/verify-email?token={token}", app.config.public_url);
    mailer::enqueue(&conn, policy::codes::link_message(&contact, &username, &link, now, link::LINK_LIFETIME)).await?;
    app.mailer.wake();
    Ok(())
}

fn waiting_email(access: &Access, profile: &Profile) -> Option<String> {
    profile.pending_email.clone().or_else(|| access.email.clone().filter(|_| !access.email_verified))
}

/// Verifies an e-mail address by the token of a mailed link. Opened twice, it is as good the second time.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`, `EMAIL_TAKEN`.
pub async fn verify_email(scope: &Scope, token: &str) -> AppResult<User> {
    let (user, email) = read_link(scope, token)?;
    let contact = Contact::Email(email);
    confirm(scope, user, &contact, &[], || AccountError::LinkExpired.at("token").into()).await
}

/// The account that a mailed link is for, and the address that it proves.
fn read_link(scope: &Scope, token: &str) -> AppResult<(UserId, String)> {
    match link::read(&scope.app.keys, token, scope.app.clock.now()) {
        VerificationLink::Valid(user, email) => Ok((user, email)),
        VerificationLink::Expired => Err(AccountError::LinkExpired.at("token").into()),
        VerificationLink::Invalid => Err(AccountError::LinkInvalid.at("token").into()),
    }
}

/// Whose account a mailed link is for, by username, and which address it would prove; changes nothing.
///
/// # Errors
/// `CODE_INVALID`, `CODE_EXPIRED`.
pub async fn find_of_link(scope: &Scope, token: &str) -> AppResult<(String, String)> {
    let (user, email) = read_link(scope, token)?;
    let found = store::list_users(&*scope.db.read().await?, &[user]).await?;
    let user = found.into_iter().find(|user| user.deleted_at.is_none());
    user.map(|user| (user.username, email)).ok_or_else(|| AccountError::LinkExpired.at("token").into())
}

/// Whether an account has this contact; for the delivery of messages; clients never learn it.
///
/// # Errors
/// When the database fails.
pub async fn is_known(conn: &AsyncPgConnection, contact: &Contact) -> AppResult<bool> {
    Ok(store::is_known(conn, contact).await?)
}

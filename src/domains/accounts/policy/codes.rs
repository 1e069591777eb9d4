//! One-time codes: for whom, how often, and what they say.

use chrono::{DateTime, TimeDelta, Utc};

use super::address;
use crate::auth::Requester;
use crate::config::RateLimits;
use crate::contact::Contact;
use crate::domains::accounts::model::{AccountError, CodePurpose};
use crate::mailer::model::NewMessage;
use crate::rates::Bucket;

/// How long a code is good.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How long a captcha is good.
pub const CAPTCHA_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// Within this time a contact gets one code, and one link.
pub const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Whether codes for a purpose are had by asking for one, and go with such a contact.
///
/// # Errors
/// [`AccountError::ResetElsewhere`] or [`AccountError::PurposeOfOther`].
pub fn check_purpose(purpose: CodePurpose, contact: &Contact) -> Result<(), AccountError> {
    match purpose {
        CodePurpose::ResetPassword => Err(AccountError::ResetElsewhere),
        CodePurpose::VerifyEmail | CodePurpose::VerifyPhone if purpose != CodePurpose::verifying(contact) => {
            Err(AccountError::PurposeOfOther)
        }
        _ => Ok(()),
    }
}

/// What somebody sends to a contact.
#[derive(Clone, Copy, Debug)]
pub enum Sent {
    /// A one-time code.
    Code,
    /// A link to verify an address.
    Link,
}

/// What a code or link is counted in: one a minute and some a day, to the contact and from the address.
#[must_use]
pub fn buckets(rates: &RateLimits, requester: &Requester, contact: &Contact, sent: Sent) -> Vec<Bucket> {
    let what = match sent {
        Sent::Code => "code",
        Sent::Link => "link",
    };
    let whom = std::iter::once(("contact", contact.as_str().to_owned()));
    let whom = whom.chain(address(requester, rates.codes).map(|ip| ("address", ip)));
    whom.flat_map(|(kind, name)| {
        [
            Bucket::new(&format!("{what} a minute by {kind}"), &name, 1, PAUSE),
            Bucket::new(&format!("{what} a day by {kind}"), &name, rates.codes.most, TimeDelta::days(1)),
        ]
    })
    .collect()
}

/// The message that brings a code.
#[must_use]
pub fn code_message(contact: &Contact, purpose: CodePurpose, code: &str, now: DateTime<Utc>) -> NewMessage {
    let (chinese, english) = match purpose {
        CodePurpose::Register => ("注册", "to register"),
        CodePurpose::Login => ("登录", "to sign in"),
        CodePurpose::ResetPassword => ("重置密码", "to reset your password"),
        CodePurpose::VerifyEmail => ("验证邮箱", "to verify this e-mail address"),
        CodePurpose::VerifyPhone => ("验证手机号", "to verify this phone number"),
    };
    let subject = format!("{code} - Plaza {chinese}验证码 / code {english}");
    let body = match contact {
        Contact::Phone(_) => format!("【Plaza】{chinese}验证码 {code}，10 分钟内有效，请勿告诉他人。"),
        Contact::Email(_) => format!(
            "{chinese}验证码：{code}\n10 分钟内有效，请勿告诉他人。如非本人操作，请忽略此邮件。\n\n\
             Your code {english}: {code}\nIt is good for 10 minutes; tell it to nobody. If you did not ask for it, ignore this mail.\n"
        ),
    };
    let message = NewMessage::to(contact, subject, body, (now, LIFETIME));
    // Whether there is such an account is nothing that the asker may learn, so it is looked up when it goes out.
    NewMessage { code: Some(code.to_owned()), only_if_known: purpose == CodePurpose::ResetPassword, ..message }
}

/// The message that brings a link.
#[must_use]
pub fn link_message(contact: &Contact, link: &str, (now, lifetime): (DateTime<Utc>, TimeDelta)) -> NewMessage {
    let subject = "Plaza 验证邮箱 / verify your e-mail address".to_owned();
    let body = format!(
        "请打开以下链接验证您的邮箱，24 小时内有效。如非本人操作，请忽略此邮件。\n\
         Open this link to verify your e-mail address; it is good for 24 hours. If you did not ask for it, ignore this mail.\n\n{link}\n"
    );
    NewMessage::to(contact, subject, body, (now, lifetime))
}

//! One-time codes: their rate limits and their messages.

use chrono::{DateTime, TimeDelta, Utc};

use super::address;
use crate::auth::Requester;
use crate::config::RateLimits;
use crate::contact::Contact;
use crate::domains::accounts::model::{AccountError, CodePurpose};
use crate::mailer::model::NewOutgoingMessage;
use crate::rate_limit::Bucket;

/// How long a code is good.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How long a captcha is good.
pub const CAPTCHA_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// Within this time a contact gets one code, and one link.
pub const CODE_INTERVAL: TimeDelta = TimeDelta::minutes(1);

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

/// What is sent to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageTemplate {
    /// A one-time code that is asked for without being signed in.
    Code,
    /// A one-time code that verifies a contact of the viewer's.
    Verification,
    /// A link that verifies an address of the viewer's.
    Link,
}

impl MessageTemplate {
    /// A code for a purpose.
    #[must_use]
    pub fn code(contact: &Contact, purpose: CodePurpose) -> Self {
        if purpose == CodePurpose::verifying(contact) { Self::Verification } else { Self::Code }
    }
}

/// Verifications to one contact in a day, for each of a user's: several users may claim it.
const CLAIMS: u32 = 3;

/// Codes and links from one address in a minute: many people may share it.
const ADDRESS_A_MINUTE: u32 = 30;

/// Codes and links from one address in a day, for each of a contact's.
const CONTACTS_OF_ADDRESS: u32 = 100;

/// Of the SMS with codes in an hour, one address has this part.
const PART_OF_SMS: u32 = 10;

/// The network that a code is asked for from; it replaces an earlier one of the same network, never one of another.
#[must_use]
pub fn asked_from(rates: &RateLimits, requester: &Requester) -> String {
    address(requester, rates.codes).unwrap_or_default()
}

/// What a code or link is counted in: some a day to the contact; from one address one a minute and a third of the day's to it,
/// and many to all contacts. The contact's day spares addresses that its account was signed in from before (`known`), so that
/// strangers can't use it up; verifications are counted apart, by user and in all. Where addresses are not counted, the contact
/// has one a minute. SMS cost money, and are counted in all as well.
#[must_use]
pub fn buckets(
    rates: &RateLimits,
    requester: &Requester,
    contact: &Contact,
    known: bool,
    sent: MessageTemplate,
) -> Vec<Bucket> {
    let what = match sent {
        MessageTemplate::Code => "code",
        MessageTemplate::Verification => "verification",
        MessageTemplate::Link => "link",
    };
    let (most, name, day) = (rates.codes.most, contact.as_str(), TimeDelta::days(1));
    let mut buckets = Vec::new();
    if let (MessageTemplate::Verification | MessageTemplate::Link, Some(viewer)) = (sent, requester.viewer) {
        let claim = format!("{name}\n{}", viewer.user_id.0);
        buckets.push(Bucket::new(&format!("{what} a day by contact and user"), &claim, most, day));
        buckets.push(Bucket::new(&format!("{what} a day by contact"), name, most.saturating_mul(CLAIMS), day));
    } else if !known {
        buckets.push(Bucket::new(&format!("{what} a day by contact"), name, most, day));
    }
    if let Some(ip) = address(requester, rates.codes) {
        let both = format!("{name}\n{ip}");
        buckets.extend([
            Bucket::new(&format!("{what} a minute by contact and address"), &both, 1, CODE_INTERVAL),
            Bucket::new(&format!("{what} a minute by address"), &ip, ADDRESS_A_MINUTE, CODE_INTERVAL),
            Bucket::new(&format!("{what} a day by address"), &ip, most.saturating_mul(CONTACTS_OF_ADDRESS), day),
            Bucket::new(&format!("{what} a day by contact and address"), &both, most.div_ceil(3), day),
        ]);
    } else {
        buckets.push(Bucket::new(&format!("{what} a minute by contact"), name, 1, CODE_INTERVAL));
    }
    if matches!(contact, Contact::Phone(_)) {
        let (most, hour) = (rates.sms.most, TimeDelta::hours(1));
        let ip = address(requester, rates.sms);
        buckets.extend(ip.map(|ip| Bucket::new("sms an hour by address", &ip, most.div_ceil(PART_OF_SMS), hour)));
        buckets.push(Bucket::new("sms an hour", "", most, hour));
    }
    buckets
}

/// The message that brings a code.
#[must_use]
pub fn code_message(contact: &Contact, purpose: CodePurpose, code: &str, now: DateTime<Utc>) -> NewOutgoingMessage {
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
    let message = NewOutgoingMessage::to(contact, subject, body, now, LIFETIME);
    // Whether there is such an account is nothing that the asker may learn, so it is looked up when it goes out.
    NewOutgoingMessage { code: Some(code.to_owned()), only_if_known: purpose == CodePurpose::ResetPassword, ..message }
}

/// How long it is worth telling that a contact is no longer an account's.
const NOTICE_LIFETIME: TimeDelta = TimeDelta::days(3);

/// The message that tells a contact's holder that it is no longer the account's, and what to do.
#[must_use]
pub fn removed_message(contact: &Contact, username: &str, now: DateTime<Utc>) -> NewOutgoingMessage {
    let subject = "Plaza 账号联系方式已变更 / a contact of your account was changed".to_owned();
    let body = match contact {
        Contact::Phone(_) => {
            format!("【Plaza】账号 {username} 已不再使用此手机号。如非本人操作，请立即修改密码并联系客服。")
        }
        Contact::Email(_) => format!(
            "账号 {username} 已不再使用此邮箱。如非本人操作，请立即修改密码并联系客服。\n\n\
             This address no longer belongs to the account {username}. If you did not change it, set a new password at once \
             and write to support.\n"
        ),
    };
    NewOutgoingMessage::to(contact, subject, body, now, NOTICE_LIFETIME)
}

/// The message that brings a link.
#[must_use]
pub fn link_message(
    contact: &Contact,
    username: &str,
    link: &str,
    now: DateTime<Utc>,
    lifetime: TimeDelta,
) -> NewOutgoingMessage {
    let subject = "Plaza 验证邮箱 / verify your e-mail address".to_owned();
    let body = format!(
        "请打开以下链接，确认将此邮箱用于账号 {username}，24 小时内有效。如果这不是您的账号，请忽略此邮件。\n\
         Open this link and confirm this address for the account {username}; it is good for 24 hours. If the account is not \
         yours, ignore this mail.\n\n{link}\n"
    );
    NewOutgoingMessage::to(contact, subject, body, now, lifetime)
}

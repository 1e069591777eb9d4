//! One-time codes and captchas.

use async_graphql::Enum;
use chrono::{DateTime, Utc};

use crate::contact::Contact;
use crate::db::pg_enum;
use crate::db::schema::sql_types;

pg_enum! {
    /// What a one-time code or a captcha is good for, and for nothing else.
    #[derive(Enum)]
    pub enum CodePurpose: sql_types::CodePurpose {
        /// Making an account.
        Register = "REGISTER",
        /// Signing in.
        Login = "LOGIN",
        /// Setting a new password without the old one; asked for with `requestPasswordReset`.
        ResetPassword = "RESET_PASSWORD",
        /// Proving an e-mail address.
        VerifyEmail = "VERIFY_EMAIL",
        /// Proving a phone number.
        VerifyPhone = "VERIFY_PHONE",
    }
}

impl CodePurpose {
    /// As it is hashed along.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "REGISTER",
            Self::Login => "LOGIN",
            Self::ResetPassword => "RESET_PASSWORD",
            Self::VerifyEmail => "VERIFY_EMAIL",
            Self::VerifyPhone => "VERIFY_PHONE",
        }
    }

    /// What proves a contact of this kind.
    #[must_use]
    pub fn verifying(contact: &Contact) -> Self {
        match contact {
            Contact::Email(_) => Self::VerifyEmail,
            Contact::Phone(_) => Self::VerifyPhone,
        }
    }
}

/// A code that was right; it is used up in the transaction of what it is good for.
#[derive(Clone, Debug)]
#[must_use]
pub struct CodeProof {
    /// Whose code.
    pub contact: Contact,
    /// What for.
    pub purpose: CodePurpose,
    /// As it is stored.
    pub hash: Vec<u8>,
    /// Where a client said it.
    pub path: &'static str,
}

/// A code to be.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    /// Whose.
    pub contact: &'a Contact,
    /// What for.
    pub purpose: CodePurpose,
    /// The network that it was asked for from; empty where addresses are not counted.
    pub asked_from: String,
    /// As it is stored.
    pub hash: Vec<u8>,
    /// It was not asked for: it went out with a change of the contact.
    pub unasked: bool,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The solution of a captcha, as the client sent it.
#[derive(Clone, Debug)]
pub struct CaptchaAnswer {
    /// The captcha's key.
    pub key: String,
    /// What they read.
    pub answer: String,
}

/// A captcha to be solved.
#[derive(Clone, Debug)]
pub struct ImageCaptcha {
    /// Names it.
    pub key: String,
    /// The picture.
    pub png: Vec<u8>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

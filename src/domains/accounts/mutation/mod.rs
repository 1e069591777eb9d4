//! Mutations of accounts: [`sign_in`] and out, passwords and [`codes`], one's [`profile`], and [`administration`].

pub mod administration;
pub mod codes;
pub mod profile;
pub mod sign_in;

use async_graphql::MergedObject;

/// Mutations of accounts.
#[derive(MergedObject, Default)]
pub struct AccountMutation(
    sign_in::SignInMutation,
    codes::CodeMutation,
    profile::ProfileMutation,
    administration::AdministrationMutation,
);

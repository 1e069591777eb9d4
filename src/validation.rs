//! Checking inputs: patches of some fields among many, and collecting all that is wrong with them.

use serde::Serialize;

use crate::error::UserError;

/// What an update says of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Patch<T> {
    /// Nothing: it stays as it is.
    #[default]
    Keep,
    /// It is cleared.
    Clear,
    /// It gets this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether it stays as it is.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The new value, by reference.
    #[must_use]
    pub fn as_ref(&self) -> Patch<&T> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(value),
        }
    }

    /// The same patch of another type.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(convert(value)),
        }
    }

    /// The new value, where one is set.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// As diesel's changesets have it: none to keep, `Some(None)` for NULL.
    #[must_use]
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}

/// What can go wrong in a domain, for the person to act on.
pub trait DomainError {
    /// A value has to be there.
    fn required() -> Self;

    /// The failure with its code, at an argument's dotted path.
    fn at(&self, path: &str) -> UserError;
}

/// Collects all that is wrong with an input, so that one answer lists it all.
#[derive(Default)]
pub struct Validation(Vec<UserError>);

impl Validation {
    /// Notes what is wrong with the field at a path.
    pub fn check<T, E: DomainError>(&mut self, result: Result<T, E>, path: &str) -> Option<T> {
        result.map_err(|error| self.0.push(error.at(path))).ok()
    }

    /// A value that can be changed but not cleared; none where it stays.
    pub fn required<T, E: DomainError>(
        &mut self,
        field: Patch<T>,
        path: &str,
        check: impl FnOnce(&T) -> Result<(), E>,
    ) -> Option<T> {
        let value = match field {
            Patch::Keep => return None,
            Patch::Clear => Err(E::required()),
            Patch::Set(value) => check(&value).map(|()| value),
        };
        self.check(value, path)
    }

    /// A value that can be changed and cleared.
    pub fn clearable<T, E: DomainError>(
        &mut self,
        field: Patch<T>,
        path: &str,
        check: impl FnOnce(&T) -> Result<(), E>,
    ) -> Patch<T> {
        if let Patch::Set(value) = &field
            && self.check(check(value), path).is_none()
        {
            return Patch::Keep;
        }
        field
    }

    /// All or nothing.
    ///
    /// # Errors
    /// All that was noted.
    pub fn into_result(self) -> Result<(), Vec<UserError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

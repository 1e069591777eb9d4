//! Changes of some fields among many, and collecting all that is wrong with them.

use crate::error::UserError;

/// What a field of a change says: nothing, that it be cleared, or a value.
pub type Change<T> = Option<Option<T>>;

/// What can go wrong in a domain, for the person to act on.
pub trait Fault {
    /// A value has to be there.
    fn required() -> Self;

    /// The failure with its code, at an argument's dotted path.
    fn at(&self, path: &str) -> UserError;
}

/// Collects all that is wrong with an input, so that it is told at once.
#[derive(Default)]
pub struct Faults(Vec<UserError>);

impl Faults {
    /// Notes what is wrong with the field at a path.
    pub fn check<T, F: Fault>(&mut self, result: Result<T, F>, path: &str) -> Option<T> {
        result.map_err(|fault| self.0.push(fault.at(path))).ok()
    }

    /// A value that can be changed but not cleared.
    pub fn required<T, F: Fault>(
        &mut self,
        change: Change<T>,
        path: &str,
        check: impl FnOnce(&T) -> Result<(), F>,
    ) -> Option<T> {
        let value = change.map(|value| value.ok_or_else(F::required));
        self.check(value?.and_then(|value| check(&value).map(|()| value)), path)
    }

    /// A value that can be changed and cleared.
    pub fn clearable<T, F: Fault>(
        &mut self,
        change: Change<T>,
        path: &str,
        check: impl FnOnce(&T) -> Result<(), F>,
    ) -> Change<T> {
        let value = change?;
        self.check(value.as_ref().map_or(Ok(()), check), path).map(|()| value)
    }

    /// All or nothing.
    ///
    /// # Errors
    /// All that was noted.
    pub fn none(self) -> Result<(), Vec<UserError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

//! Which amounts move, and what a wallet can hold.

use super::model::{Wallet, WalletError};
use crate::money::{HIGHEST_PRICE, Money};

/// The most that is recharged or adjusted at once.
const HIGHEST_AMOUNT: Money = HIGHEST_PRICE;

/// The most that a wallet holds, what is held for tasks included.
const HIGHEST_TOTAL: Money = Money::from_fen(9_999_999_999_999);

/// The longest note.
pub const LONGEST_NOTE: usize = 200;

/// Whether so much can be recharged.
///
/// # Errors
/// [`WalletError::AmountOutOfRange`].
pub fn check_recharge(amount: Money) -> Result<(), WalletError> {
    let fits = (Money::from_fen(1)..=HIGHEST_AMOUNT).contains(&amount);
    if fits { Ok(()) } else { Err(WalletError::AmountOutOfRange(HIGHEST_AMOUNT)) }
}

/// Whether a balance can be adjusted by so much, up or down.
///
/// # Errors
/// [`WalletError::AdjustmentOutOfRange`].
pub fn check_adjustment(amount: Money) -> Result<(), WalletError> {
    let fits = amount != Money::default() && amount <= HIGHEST_AMOUNT && amount.fen() >= -HIGHEST_AMOUNT.fen();
    if fits { Ok(()) } else { Err(WalletError::AdjustmentOutOfRange(HIGHEST_AMOUNT)) }
}

/// A wallet after its balance and what is held changed by so much.
///
/// # Errors
/// [`WalletError::Insufficient`], [`WalletError::Full`].
pub fn changed(wallet: Wallet, balance: Money, held: Money) -> Result<Wallet, WalletError> {
    let full = WalletError::Full(HIGHEST_TOTAL);
    let after = wallet.balance.checked_add(balance).ok_or(full.clone())?;
    if after < Money::default() {
        let required = Money::default().checked_sub(balance).unwrap_or(HIGHEST_TOTAL);
        return Err(WalletError::Insufficient { balance: wallet.balance, required });
    }
    let held = wallet.held.checked_add(held).ok_or(full.clone())?;
    let total = after.checked_add(held).ok_or(full.clone())?;
    if total > HIGHEST_TOTAL { Err(full) } else { Ok(Wallet { balance: after, held, ..wallet }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;

    #[test]
    fn amounts_move_within_bounds() {
        let fen = Money::from_fen;
        for (amount, fits) in [(0, false), (-1, false), (1, true), (9_999_999_999, true), (10_000_000_000, false)] {
            assert_eq!(check_recharge(fen(amount)).is_ok(), fits, "{amount}");
        }
        for (amount, fits) in
            [(0, false), (-1, true), (-9_999_999_999, true), (-10_000_000_000, false), (i64::MIN, false)]
        {
            assert_eq!(check_adjustment(fen(amount)).is_ok(), fits, "{amount}");
        }
    }

    #[test]
    fn a_wallet_is_never_below_nothing_nor_above_its_bound() {
        let (none, fen) = (Money::default(), Money::from_fen);
        let wallet = Wallet { balance: fen(100), held: fen(50), ..Wallet::empty(UserId(1)) };
        assert_eq!(changed(wallet, fen(-100), fen(100)).unwrap().held, fen(150));
        let refused = changed(wallet, fen(-101), none).unwrap_err();
        assert_eq!(refused, WalletError::Insufficient { balance: fen(100), required: fen(101) });
        assert!(changed(wallet, fen(9_999_999_999_849), none).is_ok());
        for more in [9_999_999_999_850, i64::MAX] {
            assert!(matches!(changed(wallet, fen(more), none), Err(WalletError::Full(_))), "{more}");
        }
        assert!(changed(wallet, fen(i64::MIN), none).is_err());
    }
}

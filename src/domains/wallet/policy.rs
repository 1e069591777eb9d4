//! Which amounts move, and what a wallet can hold.

use super::model::{Cause, Wallet, WalletError};
use crate::money::Money;
use crate::price::HIGHEST_PRICE;

/// The most that is recharged or adjusted at once.
const HIGHEST_AMOUNT: Money = HIGHEST_PRICE;

/// The most that recharging and adjusting fill a wallet to, what is held for tasks included.
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

/// A wallet after its balance and what is held changed by so much, for a cause.
///
/// # Errors
/// [`WalletError::Insufficient`]; [`WalletError::Full`] for a cause that is bounded.
pub fn changed(wallet: Wallet, balance: Money, held: Money, cause: Cause) -> Result<Wallet, WalletError> {
    let full = WalletError::Full(HIGHEST_TOTAL);
    let after = wallet.balance.checked_add(balance).ok_or(full.clone())?;
    if after < Money::default() {
        let required = Money::default().checked_sub(balance).unwrap_or(HIGHEST_TOTAL);
        return Err(WalletError::Insufficient { balance: wallet.balance, required });
    }
    let held = wallet.held.checked_add(held).ok_or(full.clone())?;
    let total = after.checked_add(held).ok_or(full.clone())?;
    let grows = total > wallet.balance.checked_add(wallet.held).unwrap_or(total);
    if cause.is_bounded() && grows && total > HIGHEST_TOTAL {
        Err(full)
    } else {
        Ok(Wallet { balance: after, held, ..wallet })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{OrderId, UserId};

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
        let cause = Cause::Recharge;
        assert_eq!(changed(wallet, fen(-100), fen(100), cause).unwrap().held, fen(150));
        let refused = changed(wallet, fen(-101), none, cause).unwrap_err();
        assert_eq!(refused, WalletError::Insufficient { balance: fen(100), required: fen(101) });
        assert!(changed(wallet, fen(9_999_999_999_849), none, cause).is_ok());
        for more in [9_999_999_999_850, i64::MAX] {
            assert!(matches!(changed(wallet, fen(more), none, cause), Err(WalletError::Full(_))), "{more}");
        }
        assert!(changed(wallet, fen(i64::MIN), none, cause).is_err());
        // What is owed goes over the bound, and what is taken from there needs not get below it.
        let over = changed(wallet, fen(9_999_999_999_999), none, Cause::Refund(OrderId(1))).unwrap();
        assert_eq!(over.balance, fen(10_000_000_000_099));
        assert!(changed(over, fen(-1), none, Cause::Adjustment).is_ok());
        assert!(changed(over, fen(1), none, Cause::Adjustment).is_err());
        assert!(changed(over, fen(i64::MAX), none, Cause::Refund(OrderId(1))).is_err());
    }
}

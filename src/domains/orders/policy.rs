//! Where orders' states lead, and who may do what with them.

use super::model::{Order, OrderAction, OrderChanges, OrderEdit, OrderError, OrderEvent, OrderStatus, UpdateOrder};
use crate::error::UserError;
use crate::ids::UserId;
use crate::text::{check_line, check_lines};
use crate::validation::Validation;

/// The longest address.
pub const LONGEST_ADDRESS: usize = 200;

/// The longest note in an order's history.
pub const LONGEST_NOTE: usize = 200;

/// How often an order's address can be changed: each change is a line of its history.
pub const ADDRESS_CHANGE_LIMIT: i64 = 20;

const LONGEST_TRACKING_NUMBER: usize = 64;

/// Who may do something with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Administrators, but not its buyer.
    Admins,
    /// Its buyer, and administrators.
    BuyerAndAdmins,
}

/// Every change of an order's state: from, to, by which action, by which actors. There are no others.
pub const TRANSITIONS: [(OrderStatus, OrderStatus, OrderAction, Allowed); 5] = [
    (OrderStatus::Pending, OrderStatus::Shipped, OrderAction::Ship, Allowed::Admins),
    (OrderStatus::Pending, OrderStatus::Cancelled, OrderAction::Cancel, Allowed::BuyerAndAdmins),
    (OrderStatus::Shipped, OrderStatus::Completed, OrderAction::Confirm, Allowed::BuyerAndAdmins),
    (OrderStatus::Shipped, OrderStatus::Refunded, OrderAction::Refund, Allowed::Admins),
    (OrderStatus::Completed, OrderStatus::Refunded, OrderAction::Refund, Allowed::Admins),
];

/// Who asks to do something with an order that they see.
#[derive(Clone, Copy, Debug)]
pub struct OrderActor {
    /// Who.
    pub id: UserId,
    /// Whether they are an administrator.
    pub is_admin: bool,
}

impl OrderActor {
    fn owns(self, order: &Order) -> bool {
        order.buyer_id == self.id
    }

    fn is(self, who: Allowed, order: &Order) -> bool {
        match who {
            Allowed::Admins => self.is_admin && !self.owns(order),
            Allowed::BuyerAndAdmins => self.is_admin || self.owns(order),
        }
    }

    /// What this is called that is never theirs to do.
    fn refusal(self) -> OrderError {
        if self.is_admin { OrderError::OwnOrder } else { OrderError::NotAdmin }
    }
}

/// The states that the actor can bring an order to.
fn next_statuses(order: &Order, actor: OrderActor) -> Vec<OrderStatus> {
    let leads = TRANSITIONS.iter().filter(|(from, _, _, who)| *from == order.status && actor.is(*who, order));
    leads.map(|(_, to, ..)| *to).collect()
}

/// Where an action brings orders.
#[must_use]
pub fn outcome(action: OrderAction) -> OrderStatus {
    let by_action = TRANSITIONS.iter().find(|(_, _, of, _)| *of == action);
    by_action.map_or(OrderStatus::Pending, |(_, to, ..)| *to)
}

/// Where an action brings an order, if the actor may do so now.
///
/// # Errors
/// [`OrderError::NotAdmin`] and [`OrderError::OwnOrder`] for what is never theirs to do, [`OrderError::IllegalTransition`].
pub fn advance(order: &Order, actor: OrderActor, action: OrderAction) -> Result<OrderStatus, OrderError> {
    let mut by_action = TRANSITIONS.iter().filter(|(_, _, of, _)| *of == action);
    if !by_action.clone().any(|(.., who)| actor.is(*who, order)) {
        return Err(actor.refusal());
    }
    if let Some((_, to, ..)) = by_action.clone().find(|(from, ..)| *from == order.status) {
        return Ok(*to);
    }
    let to = by_action.next().map_or(order.status, |(_, to, ..)| *to);
    Err(OrderError::IllegalTransition { from: order.status, to, allowed: next_statuses(order, actor) })
}

/// Whether an order still goes where it is told to.
///
/// # Errors
/// [`OrderError::AddressFixed`].
pub fn check_address_change(order: &Order, actor: OrderActor) -> Result<(), OrderError> {
    if order.status == OrderStatus::Pending {
        return Ok(());
    }
    Err(OrderError::AddressFixed(order.status, next_statuses(order, actor)))
}

/// What the actor may do with an order that they see.
#[must_use]
pub fn available_actions(order: &Order, actor: OrderActor) -> Vec<OrderAction> {
    let address = check_address_change(order, actor).is_ok().then_some(OrderAction::EditAddress);
    let advances = TRANSITIONS.iter().filter(|(from, _, _, who)| *from == order.status && actor.is(*who, order));
    address.into_iter().chain(advances.map(|(_, _, action, _)| *action)).collect()
}

/// Whether the actor repeats what they did: the order is in the state that it led to, by them, with the same note. Its buyer
/// may confirm a completed order again, also after an administrator has.
#[must_use]
pub fn repeats(order: &Order, actor: OrderActor, last: &OrderEvent, note: Option<&str>) -> bool {
    let received = order.status == OrderStatus::Completed && actor.owns(order);
    last.to_status == order.status && last.note.as_deref() == note && (received || last.actor_id == Some(actor.id))
}

/// What an edit changes of an order that is held, and the state that this brings it to, if to another.
///
/// # Errors
/// Each with the argument at fault.
pub fn plan_edit(
    order: &Order,
    actor: OrderActor,
    edit: &OrderEdit,
) -> Result<(OrderChanges, Option<OrderStatus>), (OrderError, &'static str)> {
    if edit.address.is_some() {
        check_address_change(order, actor).map_err(|error| (error, "input.address"))?;
    }
    let mut to = None;
    if edit.tracking_number.is_some() {
        to = check_tracking(order, actor).map_err(|error| (error, "input.trackingNumber"))?;
    }
    if to.is_some() && edit.expected_address.is_none() {
        return Err((OrderError::ExpectedAddressMissing, "input.expectedAddress"));
    }
    if edit.expected_address.as_ref().is_some_and(|expected| *expected != order.address) {
        return Err((OrderError::AddressChanged(order.address.clone()), "input.expectedAddress"));
    }
    let changes = OrderChanges {
        address: edit.address.clone().filter(|address| *address != order.address),
        tracking_number: edit.tracking_number.clone().filter(|number| Some(number) != order.tracking_number.as_ref()),
        ..OrderChanges::default()
    };
    Ok((changes, to))
}

/// Where a tracking number brings an order: nowhere when it corrects the one of an order on its way.
fn check_tracking(order: &Order, actor: OrderActor) -> Result<Option<OrderStatus>, OrderError> {
    if order.status == OrderStatus::Shipped && actor.is(Allowed::Admins, order) {
        return Ok(None);
    }
    advance(order, actor, OrderAction::Ship).map(Some)
}

/// Checks what changes about an order; the state is looked at once it is held.
///
/// # Errors
/// All that is wrong with it.
pub fn validate_update(update: UpdateOrder) -> Result<OrderEdit, Vec<UserError>> {
    let UpdateOrder { address, expected_address, tracking_number } = update;
    let mut validation = Validation::default();
    if address.is_keep() && tracking_number.is_keep() {
        validation.check(Err::<(), _>(OrderError::NothingGiven), "input");
    }
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
    let edit =
        OrderEdit {
            address: trimmed(
                validation.required(address, "input.address", |address| check_lines(address, LONGEST_ADDRESS)),
            ),
            tracking_number: trimmed(validation.required(tracking_number, "input.trackingNumber", |number| {
                check_line(number, LONGEST_TRACKING_NUMBER)
            })),
            expected_address: trimmed(
                validation.required(expected_address, "input.expectedAddress", |_| Ok::<_, OrderError>(())),
            ),
        };
    validation.into_result().map(|()| edit)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::ids::{MediaId, OrderId, ProductId};
    use crate::money::Money;

    fn order(status: OrderStatus) -> Order {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Order {
            id: OrderId(42),
            buyer_id: UserId(1),
            product_id: ProductId(1),
            product_name: String::new(),
            price: Money::from_fen(1),
            image_id: MediaId(1),
            address: String::new(),
            tracking_number: None,
            status,
            restocked: false,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn who_may_do_what_in_which_state() {
        let actions = |status, id, is_admin| {
            let actor = OrderActor { id: UserId(id), is_admin };
            let actions = available_actions(&order(status), actor);
            actions.iter().map(|action| format!("{action:?}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(actions(OrderStatus::Pending, 1, false), "EditAddress Cancel");
        assert_eq!(actions(OrderStatus::Pending, 2, true), "EditAddress Ship Cancel");
        assert_eq!(actions(OrderStatus::Shipped, 1, false), "Confirm");
        assert_eq!(actions(OrderStatus::Shipped, 2, true), "Confirm Refund");
        assert_eq!(actions(OrderStatus::Completed, 1, false), "");
        assert_eq!(actions(OrderStatus::Completed, 2, true), "Refund");
        // An administrator is the buyer alone of what they bought.
        assert_eq!(actions(OrderStatus::Pending, 1, true), "EditAddress Cancel");
        assert_eq!(actions(OrderStatus::Shipped, 1, true), "Confirm");
        assert_eq!(actions(OrderStatus::Completed, 1, true), "");
        for status in [OrderStatus::Cancelled, OrderStatus::Refunded] {
            assert_eq!(actions(status, 1, false) + &actions(status, 2, true), "");
        }
    }

    #[test]
    fn what_is_refused_says_what_is_allowed() {
        let (buyer, admin) =
            (OrderActor { id: UserId(1), is_admin: false }, OrderActor { id: UserId(2), is_admin: true });
        let refused = advance(&order(OrderStatus::Pending), admin, OrderAction::Confirm).unwrap_err();
        let allowed = vec![OrderStatus::Shipped, OrderStatus::Cancelled];
        assert_eq!(
            refused,
            OrderError::IllegalTransition { from: OrderStatus::Pending, to: OrderStatus::Completed, allowed }
        );
        for action in [OrderAction::Ship, OrderAction::Refund] {
            assert_eq!(advance(&order(OrderStatus::Shipped), buyer, action), Err(OrderError::NotAdmin));
        }
        assert_eq!(order(OrderStatus::Pending).number(), "20270115000042");
    }
}

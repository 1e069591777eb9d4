//! Tasks: help that people ask for, and pay for.
//!
//! ```text
//!            createTask
//!                │                                                     P  its publisher
//!                ▼       A abandons; P releases after the deadline,    A  its assignee
//!    P, D ┌─── OPEN ◀─── or after seven silent days; D releases ──┐    D  an administrator who is neither
//! cancels │      │ accepted by anybody but P                      │    ⏲  by itself, seven days after submission
//!         │      ▼                                                │
//!         │   ACCEPTED ───────────────────────────────────────────┤
//!         │    │  │  │ A submits                                  │
//!         ▼  D │  │  ▼                                            │ A
//!   CANCELLED ◀┘  │ SUBMITTED ────────────────────────────────────┤ abandons
//!         ▲       │  │  │ P, A, D dispute                         │
//!         │       │  │  ▼                                         │
//!         │       │  │ DISPUTED ──────────────────────────────────┘
//!         │       │  │  │  │
//!         └───────┼──┼──┘  │ D resolves: a part or all of the reward for A; P finishes
//!   D resolves:   │  │     │
//!   nothing for A │  │ P finishes, ⏲
//!                 ▼  ▼     ▼
//!                  FINISHED
//! ```
//!
//! Invariants:
//! - Until a task is FINISHED or CANCELLED its reward is held: it has left the publisher's balance, and is in no other.
//!   It is paid or given back in the transaction that ends the task, once (`ledger_transfers_settled_key`); of a reward that
//!   is split the publisher's part goes back in the same transaction.
//! - Once its assignee has submitted a task, only they and an administrator's decision can take its reward from them.
//! - A submitted task has a job that finishes it (`finishes_at`); no other task has.
//! - A task's state changes while its row is held: of any number who accept it at once, one does. No user accepts their
//!   own (`tasks_own_check`), nor one that they had before, and administrators have no powers over their own.
//! - Only an open task is changed; a changed price changes what is held, and only its publisher changes it.
//! - A cancelled task is seen by its publisher, its assignee, and administrators. What a task says beyond its title is
//!   public while it is open, and theirs alone afterwards, in search as well.
//! - To do again what one did just before succeeds and changes nothing.
//! - An account is deleted only once its tasks are over (`departure::service`).
//!
//! Locks are taken in this order: the viewer's account, their idempotency key, the task, the count of what they may do in a
//! time, its dispute, its new pictures, wallets, its job, what search knows of it.

pub mod loader;
pub mod model;
pub mod mutation;
pub mod policy;
pub mod query;
pub mod service;
pub mod store;
pub mod subscription;
pub mod types;

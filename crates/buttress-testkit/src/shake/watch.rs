//! Checks after each event, where a capacity is declared.

use super::history::{Found, of};
use super::simulation::{Simulation, waits};
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::ensure;

impl<'b> Simulation<'b, '_> {
    /// Changes the capacity, with any callers inside and waiting.
    pub(super) fn resize(&mut self) -> Found {
        let (Some(room), Some(resize)) = (self.room, self.harness.layer.resizer()) else {
            return Ok(());
        };
        let limit = 1 + self
            .dice
            .roll(2 * self.harness.env.contract.capacity.unwrap_or(1));
        let was = room.limit;
        let quiet = |caller: &Caller<'_>| caller.state() == CallState::Inside && !caller.is_woken();
        let inside: Vec<_> = self.state.callers.iter().map(|(_, c)| quiet(c)).collect();
        resize(limit);
        let admitted = self.admitted();
        if let Some(room) = &mut self.room {
            room.resize(limit, admitted);
        }
        self.tested.count("A7");
        self.log
            .push(format!("the capacity was {was}, and is {limit}"));
        for ((number, caller), was_inside) in self.state.callers.iter_mut().zip(inside) {
            let sent_away = was_inside && caller.is_woken() && caller.poll_once().is_over();
            ensure(
                !sent_away,
                "no call inside is ended by a new capacity",
                format!("call {number} is"),
            )
            .map_err(of("A7"))?;
        }
        self.no_waiter_is_stranded("A7")
    }

    /// If slots are free, at least as many waiters have been woken, or all of them.
    ///
    /// While the inner service is not ready, a caller with a slot also waits, so this is not checked.
    ///
    /// A stack that rejects after failures may delay callers although it has free slots, so it is checked only at the
    /// end.
    pub(super) fn no_waiter_is_stranded(&self, invariant: &'static str) -> Found {
        let Some(room) = self.room else {
            return Ok(());
        };
        if self.state.unready || self.harness.env.contract.recovers_within.is_some() {
            return Ok(());
        }
        if self.harness.tasks() > 0 {
            self.harness.env.clock.turn();
        }
        let (mut told, mut untold) = (0, 0);
        for (_, caller) in self.waiting() {
            *if caller.is_woken() {
                &mut told
            } else {
                &mut untold
            } += 1;
        }
        // A caller that was inside once may still hold its slot while it waits for its next attempt.
        let taken = self.state.callers.len() - told - untold;
        let read = if self.harness.env.contract.holds_body {
            self.state.readers.len()
        } else {
            0
        };
        let free = room.limit.saturating_sub(taken + read);
        ensure(
            untold == 0 || told >= free,
            "a waiter is woken when a slot is free",
            format!(
                "of {} slots {free} are free; {told} were woken, and {untold} wait on",
                room.limit
            ),
        )
        .map_err(of(invariant))
    }

    pub(super) fn within_room(&mut self) -> Found {
        let (inside, admitted) = (self.inside(), self.admitted());
        match &mut self.room {
            Some(room) => {
                self.tested.count("A6");
                room.holds(inside, admitted).map_err(of("A6"))
            }
            None => Ok(()),
        }
    }

    fn inside(&self) -> usize {
        let holds_body = self.harness.env.contract.holds_body;
        let bodies = if holds_body {
            self.harness.probe.open_bodies()
        } else {
            0
        };
        self.harness.probe.in_flight() + bodies
    }

    /// The number of calls inside, and of waiters that may have been admitted.
    fn admitted(&self) -> usize {
        let unready = self.state.unready;
        let told = |(_, caller): &&(u64, Caller<'_>)| unready || caller.is_woken();
        let told = self.waiting().filter(told);
        self.inside() + told.count()
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &(u64, Caller<'b>)> {
        self.state
            .callers
            .iter()
            .filter(|(_, caller)| waits(caller))
    }
}

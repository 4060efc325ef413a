use std::time::Instant;

use super::{Dropped, Ticket};
use crate::Deadline;

/// The entries of a queue, on one list for each class. Each list is in the order of arrival.
///
/// All operations take constant time. Memory grows with the maximum length so far, and is reused.
#[derive(Debug)]
pub(super) struct Arena<T, const LISTS: usize> {
    slots: Vec<Slot<T>>,
    /// The first of the unused slots, which are chained by `newer`.
    unused: u32,
    lists: [List; LISTS],
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    /// Incremented whenever the slot is emptied, so that an old ticket does not match.
    generation: u32,
    older: u32,
    newer: u32,
    entry: Option<Entry<T>>,
}

/// A waiter.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) class: usize,
    pub(super) since: Instant,
    pub(super) deadline: Option<Deadline>,
    /// When the wait expires, by the configuration at its arrival, and the reason.
    pub(super) expires_at: Option<(Instant, Dropped)>,
}

#[derive(Debug, Clone, Copy)]
struct List {
    oldest: u32,
    newest: u32,
    len: usize,
}

/// Which end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Newest,
    Oldest,
}

/// No slot.
const NONE: u32 = u32::MAX;

impl<T, const LISTS: usize> Arena<T, LISTS> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            unused: NONE,
            lists: [List {
                oldest: NONE,
                newest: NONE,
                len: 0,
            }; LISTS],
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn len_of(&self, class: usize) -> usize {
        self.lists[class].len
    }

    /// Adds an entry at the newest end of its class's list.
    pub(super) fn push(&mut self, entry: Entry<T>) -> Ticket {
        let class = entry.class;
        let index = self.unused_slot();
        let older = self.lists[class].newest;
        let slot = &mut self.slots[index as usize];
        self.unused = slot.newer;
        (slot.older, slot.newer, slot.entry) = (older, NONE, Some(entry));
        let ticket = Ticket {
            index,
            generation: slot.generation,
        };
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = index,
            None => self.lists[class].oldest = index,
        }
        self.lists[class].newest = index;
        self.lists[class].len += 1;
        self.len += 1;
        ticket
    }

    /// The entry at one end of a class's list.
    pub(super) fn at(&self, class: usize, end: End) -> Option<(Ticket, &Entry<T>)> {
        let index = match end {
            End::Newest => self.lists[class].newest,
            End::Oldest => self.lists[class].oldest,
        };
        let slot = self.slots.get(index as usize)?;
        let ticket = Ticket {
            index,
            generation: slot.generation,
        };
        slot.entry.as_ref().map(|entry| (ticket, entry))
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Entry<T>> {
        let slot = self.slots.get(ticket.index as usize)?;
        slot.entry
            .as_ref()
            .filter(|_| slot.generation == ticket.generation)
    }

    /// Removes an entry, unless it has left.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Entry<T>> {
        self.get(ticket)?;
        let slot = &mut self.slots[ticket.index as usize];
        let entry = slot.entry.take()?;
        let (older, newer) = (slot.older, slot.newer);
        slot.generation = slot.generation.wrapping_add(1);
        slot.newer = self.unused;
        self.unused = ticket.index;
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.lists[entry.class].oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.lists[entry.class].newest = older,
        }
        self.lists[entry.class].len -= 1;
        self.len -= 1;
        Some(entry)
    }

    fn unused_slot(&mut self) -> u32 {
        if self.unused == NONE {
            self.unused =
                u32::try_from(self.slots.len()).expect("capacities are bounded far below");
            self.slots.push(Slot {
                generation: 0,
                older: NONE,
                newer: NONE,
                entry: None,
            });
        }
        self.unused
    }
}

use std::fmt;

use buttress_core::{Classified, Criticality, Deadline, Identify, Plain, TaskContext};

use super::{Side, TenantName};

/// Any request, with the criticality and the deadline of its task.
impl<Req> Side<Req> for Plain {
    type Protocol = Self;

    #[inline]
    fn protocol(&self) -> &Self {
        self
    }

    fn criticality(&self, _: &Req) -> Criticality {
        Criticality::current().unwrap_or_default()
    }

    fn deadline(&self, request: &Req) -> Option<Deadline> {
        Deadline::earlier(Deadline::current(), Identify::deadline(self, request))
    }

    fn identity(&self, request: &Req) -> Option<u64> {
        Identify::identity(self, request)
    }

    fn tenant<'a>(&self, _: &'a Req) -> Option<TenantName<'a>> {
        None
    }

    #[inline]
    fn context(&self, _: &Req) -> Option<TaskContext> {
        None
    }

    #[inline]
    fn tell(&self, _: &mut Req) {}
}

impl<Req, F: Clone> Side<Req> for Classified<F> {
    type Protocol = Self;

    #[inline]
    fn protocol(&self) -> &Self {
        self
    }

    fn criticality(&self, request: &Req) -> Criticality {
        Side::criticality(&Plain, request)
    }

    fn deadline(&self, request: &Req) -> Option<Deadline> {
        Side::deadline(&Plain, request)
    }

    fn identity(&self, _: &Req) -> Option<u64> {
        None
    }

    fn tenant<'a>(&self, _: &'a Req) -> Option<TenantName<'a>> {
        None
    }

    #[inline]
    fn context(&self, _: &Req) -> Option<TaskContext> {
        None
    }

    #[inline]
    fn tell(&self, _: &mut Req) {}
}

/// The caller of a request, as returned by your function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caller {
    /// The criticality of the call. `None` uses that of its task, or [`Criticality::High`].
    pub criticality: Option<Criticality>,
    /// The identity of the tenant, as a number or a hash.
    pub tenant: Option<u64>,
}

/// Any request, and a function that returns its caller.
#[derive(Clone, Copy)]
pub struct FromFn<F>(pub(crate) F);

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn")
    }
}

impl<Req, F> Side<Req> for FromFn<F>
where
    F: Fn(&Req) -> Caller,
{
    type Protocol = Plain;

    #[inline]
    fn protocol(&self) -> &Plain {
        &Plain
    }

    fn criticality(&self, request: &Req) -> Criticality {
        let said = (self.0)(request).criticality;
        said.unwrap_or_else(|| Side::criticality(&Plain, request))
    }

    fn deadline(&self, request: &Req) -> Option<Deadline> {
        Side::deadline(&Plain, request)
    }

    fn identity(&self, _: &Req) -> Option<u64> {
        None
    }

    fn tenant<'a>(&self, request: &'a Req) -> Option<TenantName<'a>> {
        let tenant = (self.0)(request).tenant?;
        Some(TenantName::Number(tenant.to_le_bytes()))
    }

    fn context(&self, request: &Req) -> Option<TaskContext> {
        let said = (self.0)(request).criticality?;
        Some(TaskContext::current().with_criticality(Some(said)))
    }

    #[inline]
    fn tell(&self, _: &mut Req) {}
}

/// What a layer's `poll_ready` returns while it would not admit a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenSaturated {
    /// Ready; `call` then returns a [`Rejection`](crate::Rejection), or waits.
    #[default]
    Reject,
    /// Not ready until a call would be admitted, so that a load balancer uses another instance.
    Unready,
}

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_core::Upload;
use buttress_shell::now;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};

/// Measures how long the service waits for the body of a request, so that no inner layer counts that time as latency
/// of the service.
///
/// Breakers, limits, throttles and hedges time a call from the request to the head of the response. If the caller
/// sends the body slowly, a service that reads it is equally slow, and a few such callers would open a circuit or
/// lower a limit for all. Inside this function the time that the service waits for the caller is subtracted, and a
/// failure because the caller aborted its request does not count.
///
/// A call whose response arrives while more of its request may come, such as a bidirectional gRPC stream, gives no
/// latency sample, so an adaptive limit learns nothing from it. If nearly all calls are such streams, the limit stays
/// at its initial value: do not track their uploads. A slow upload keeps its slot.
///
/// Call it before all layers: on a server, around everything else; in a gateway, also there if the request is
/// forwarded with its extensions and its body, and otherwise around the client.
///
/// ```
/// use buttress_http::track_upload;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, service_fn};
/// # use bytes::Bytes;
/// # use buttress_http::UploadBody;
///
/// let service = ServiceBuilder::new()
///     .map_request(track_upload)
///     // Any layers of Buttress.
///     .service(service_fn(|request: Request<UploadBody<Full<Bytes>>>| async move {
///         Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
///     }));
/// # let _ = tower::ServiceExt::oneshot(service, Request::new(Full::<Bytes>::default()));
/// ```
///
/// A request without a body costs nothing. For any other, an [`Upload`] is created and put into its extensions: two
/// or three allocations. A request that already has an `Upload` keeps it.
pub fn track_upload<B: Body>(request: Request<B>) -> Request<UploadBody<B>> {
    let (mut head, body) = request.into_parts();
    let upload = if body.is_end_stream() || head.extensions.get::<Upload>().is_some() {
        None
    } else {
        let upload = Upload::new(now());
        head.extensions.insert(upload.clone());
        Some(upload)
    };
    Request::from_parts(head, UploadBody { body, upload })
}

/// A request body that reports to its [`Upload`] when it is waited for. Created by [`track_upload`].
///
/// Frames, errors, [`size_hint`](Body::size_hint) and [`is_end_stream`](Body::is_end_stream) are those of the inner
/// body.
#[pin_project(PinnedDrop)]
pub struct UploadBody<B> {
    #[pin]
    body: B,
    /// `None` once it has ended, and if nothing is measured.
    upload: Option<Upload>,
}

impl<B> UploadBody<B> {
    /// Returns the inner body.
    pub fn get_ref(&self) -> &B {
        &self.body
    }
}

impl<B: Body> Body for UploadBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = this.body.as_mut().poll_frame(cx);
        let Some(upload) = this.upload else {
            return polled;
        };
        match &polled {
            Poll::Pending => upload.wait(now()),
            Poll::Ready(Some(Ok(_))) if !this.body.is_end_stream() => upload.arrive(now),
            Poll::Ready(Some(Err(_))) => {
                upload.break_off(now);
                *this.upload = None;
            }
            Poll::Ready(_) => {
                upload.end(now);
                *this.upload = None;
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A service that drops a body no longer waits for it.
#[pinned_drop]
impl<B> PinnedDrop for UploadBody<B> {
    fn drop(self: Pin<&mut Self>) {
        if let Some(upload) = self.project().upload {
            upload.end(now);
        }
    }
}

/// A body that is not measured.
impl<B: Default> Default for UploadBody<B> {
    fn default() -> Self {
        Self {
            body: B::default(),
            upload: None,
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for UploadBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadBody")
            .field("body", &self.body)
            .field("has_ended", &self.upload.is_none())
            .finish()
    }
}

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use buttress_core::{BoxError, ClassifiedError, FailureKind, Outcome, chain};
use buttress_http::{Ticket, cannot_be_sent, was_never_processed};
use http::{Request, Response};
use pin_project::pin_project;
use reqwest::{Body, ResponseBuilderExt};
use tower_service::Service;

use crate::http_client_body::AttributedBody;

/// A [`reqwest::Client`] as an HTTP service: takes an `http::Request`, and returns an `http::Response`.
///
/// reqwest is already a service, but with its own request and response types, and with an error whose outcome layers
/// cannot read. This service uses the types of `http`, so that all HTTP layers work around it, and attaches the
/// [outcome](#errors) to each error. Clones share the connections.
///
/// ```no_run
/// use buttress::HttpClient;
/// use tower::ServiceExt;
///
/// # async fn example() -> Result<(), buttress::BoxError> {
/// let client = HttpClient::from(reqwest::Client::new());
///
/// let request = http::Request::post("http://payments.internal/charge").body("{}".into())?;
/// let response = client.oneshot(request).await?;
/// assert!(response.status().is_success());
/// # Ok(())
/// # }
/// ```
///
/// # Requests
///
/// The body of a request is a [`reqwest::Body`], so that a stack can be named and polled ready without a request.
/// Convert text and bytes with `.into()`, any other body with [`reqwest::Body::wrap`], and a stream, such as the body
/// of a forwarded request, with [`reqwest::Body::wrap_stream`]. The body of the response is also a `reqwest::Body`,
/// and streams. [`to_reqwest`](crate::to_reqwest) converts the response of the layers around the client to a
/// [`reqwest::Response`].
///
/// Extensions are sent with the request, including the timeout that [`reqwest::Request::timeout_mut`] sets.
///
/// # Errors
///
/// Every error is the [`reqwest::Error`], with its outcome attached as a [`ClassifiedError`]. So is the error of a
/// response body:
///
/// | error | outcome |
/// |---|---|
/// | the request cannot be sent: a relative URL, a scheme that is not HTTP, `https` with a client without TLS | ignored |
/// | the request's own body failed while it was sent | ignored |
/// | a timeout of the client or of the request, also in the middle of the body | timeout |
/// | no connection, or a lost connection | transport |
/// | anything else, such as too many redirects | error |
///
/// # Redirects
///
/// A client that follows redirects does not report which of its requests found no connection: the first, or one after
/// the dependency had processed the first. So a [retry](crate::retry) does not repeat a request that is not
/// idempotent after a refused connection, unless the client was created by
/// [`without_redirects`](Self::without_redirects).
#[derive(Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    /// Whether each request is sent at most once.
    is_direct: bool,
}

impl HttpClient {
    /// Creates a client that follows no redirects and does not retry, whatever the builder's settings. A request that
    /// finds no connection was not processed, and a [retry](crate::retry) repeats it for any method; the same is true
    /// of a request that the server refused before it processed it, according to HTTP/2.
    ///
    /// # Errors
    ///
    /// If [`reqwest::ClientBuilder::build`] rejects the configuration.
    pub fn without_redirects(builder: reqwest::ClientBuilder) -> reqwest::Result<Self> {
        let builder = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        Ok(Self {
            inner: builder.build()?,
            is_direct: true,
        })
    }
}

impl From<reqwest::Client> for HttpClient {
    fn from(inner: reqwest::Client) -> Self {
        Self {
            inner,
            is_direct: false,
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The inner client would print its whole configuration, including default headers.
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for HttpClient {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(attribute)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        let ticket = match self.is_direct {
            true => Ticket::take(request.extensions_mut()),
            false => None,
        };
        let state = match request.try_into() {
            Ok(request) => State::Sent(self.inner.call(request)),
            Err(error) => State::Refused(Some(error)),
        };
        ResponseFuture { state, ticket }
    }
}

/// The response future of [`HttpClient`].
#[pin_project]
#[derive(Debug)]
pub struct ResponseFuture {
    #[pin]
    state: State,
    /// Returned if there was no connection.
    ticket: Option<Ticket>,
}

#[pin_project(project = StateProject)]
#[derive(Debug)]
enum State {
    /// Not sent, because reqwest cannot send it.
    Refused(Option<reqwest::Error>),
    Sent(#[pin] <reqwest::Client as Service<reqwest::Request>>::Future),
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.state.project() {
            StateProject::Sent(response) => ready!(response.poll(cx)),
            StateProject::Refused(error) => Err(error.take().expect("polled after completion")),
        };
        Poll::Ready(match result {
            Ok(response) => Ok(into_http(response)),
            Err(error) => {
                if was_never_processed(&error)
                    && let Some(ticket) = this.ticket.take()
                {
                    ticket.never_sent();
                }
                Err(attribute(error))
            }
        })
    }
}

/// Converts a response to one of `http`, with its URL in the extensions, so that reqwest can convert it back.
fn into_http(response: reqwest::Response) -> Response<Body> {
    let url = response.url().clone();
    let mut response = Response::<Body>::from(response).map(attribute_body);
    if let Some(with_url) = Response::builder().url(url).extensions_mut() {
        response.extensions_mut().extend(std::mem::take(with_url));
    }
    response
}

/// Attaches the outcome to the error of a body.
fn attribute_body(body: Body) -> Body {
    Body::wrap(AttributedBody(body))
}

/// Attaches the outcome to an error.
fn attribute(error: reqwest::Error) -> BoxError {
    let outcome = if error.is_builder() || is_of_request_body(&error) || cannot_be_sent(&error) {
        Outcome::Ignored
    } else if error.is_timeout() {
        Outcome::Failure(FailureKind::Timeout)
    } else if error.is_connect() || error.is_request() || error.is_body() {
        Outcome::Failure(FailureKind::Transport)
    } else {
        Outcome::Failure(FailureKind::Error)
    };
    ClassifiedError::new(outcome, error).into()
}

/// Whether the request's own body failed: reqwest marks the error of a request body where it reads it, and wraps it
/// in the error of the request. A gateway whose clients disconnect in the middle of an upload must not count that
/// against the upstream.
fn is_of_request_body(error: &reqwest::Error) -> bool {
    chain(error)
        .skip(1)
        .filter_map(|error| error.downcast_ref::<reqwest::Error>())
        .any(reqwest::Error::is_body)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;
    use std::time::Duration;

    use axum::Router;
    use axum::body::Bytes;
    use axum::response::Redirect;
    use axum::routing::{get, post};
    use http::Method;
    use http_body::Frame;
    use tokio::net::TcpListener;
    use tower::ServiceExt;

    use super::*;

    async fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        (listener, url)
    }

    async fn serve(app: Router) -> String {
        let (listener, url) = listen().await;
        tokio::spawn(async { axum::serve(listener, app).await });
        url
    }

    /// A client that ignores proxies in the environment.
    fn client() -> HttpClient {
        let client = reqwest::Client::builder().no_proxy().build();
        client.unwrap().into()
    }

    async fn fail(request: Request<Body>) -> Outcome {
        let error = client().oneshot(request).await.unwrap_err();
        let attributed = error.downcast_ref::<ClassifiedError>().unwrap();
        assert!(attributed.source().unwrap().is::<reqwest::Error>());
        attributed.outcome()
    }

    fn get_from(url: impl AsRef<str>) -> Request<Body> {
        Request::get(url.as_ref()).body(Body::default()).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_sent_and_its_response_returned() {
        let app = Router::new().route(
            "/",
            post(|headers: http::HeaderMap, body: String| async move {
                let mut answer = http::HeaderMap::new();
                answer.insert("x-answer", headers["x-question"].clone());
                (http::StatusCode::CREATED, answer, body + " world")
            }),
        );
        let request = Request::post(serve(app).await)
            .header("x-question", "echo")
            .body("hello".into())
            .unwrap();

        // Polled ready without a request: the type is not ambiguous.
        let mut client = client();
        let response = client.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), http::StatusCode::CREATED);
        assert_eq!(response.headers()["x-answer"], "echo");
        let body = axum::body::to_bytes(axum::body::Body::new(response.into_body()), 64).await;
        assert_eq!(body.unwrap(), "hello world");
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeout_of_a_request_is_in_its_extensions() {
        let app = Router::new().route("/", get(std::future::pending::<()>));
        let url = serve(app).await;
        let mut request = reqwest::Request::new(Method::GET, url.parse().unwrap());
        *request.timeout_mut() = Some(Duration::from_secs(1));

        let outcome = fail(request.try_into().unwrap()).await;
        assert_eq!(outcome, Outcome::Failure(FailureKind::Timeout));
    }

    #[tokio::test]
    async fn a_refused_connection_is_a_transport_failure() {
        let (listener, url) = listen().await;
        drop(listener);
        let outcome = fail(get_from(url)).await;
        assert_eq!(outcome, Outcome::Failure(FailureKind::Transport));
    }

    #[tokio::test]
    async fn a_lost_connection_is_a_transport_failure() {
        let (listener, url) = listen().await;
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        let outcome = fail(get_from(url)).await;
        assert_eq!(outcome, Outcome::Failure(FailureKind::Transport));
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_sent_is_ignored() {
        // The client of these tests is built without TLS.
        for uri in [
            "/relative",
            "ftp://localhost/",
            "localhost:80",
            "https://127.0.0.1:1/",
        ] {
            assert_eq!(fail(get_from(uri)).await, Outcome::Ignored, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_request_body_that_fails_is_ignored() {
        struct Broken;

        impl http_body::Body for Broken {
            type Data = Bytes;
            type Error = io::Error;

            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }

        let url = serve(Router::new().route("/", post(|_: Bytes| async {}))).await;
        let request = Request::post(url).body(Body::wrap(Broken)).unwrap();
        assert_eq!(fail(request).await, Outcome::Ignored);
    }

    #[tokio::test]
    async fn too_many_redirects_are_an_error() {
        let url = serve(Router::new().route("/", get(async || Redirect::to("/")))).await;
        let outcome = fail(get_from(url)).await;
        assert_eq!(outcome, Outcome::Failure(FailureKind::Error));
    }
}

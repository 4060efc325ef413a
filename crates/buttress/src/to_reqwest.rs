use buttress_core::BoxError;
use http::Response;
use http_body::Body;

/// Converts the response of layers around an [`HttpClient`](crate::HttpClient) to a [`reqwest::Response`], with its
/// `text`, `bytes`, `error_for_status` and, with reqwest's feature, `json`.
///
/// Each layer wraps the body of the response in its own type. This converts them all to one type.
///
/// ```
/// # #[cfg(feature = "breaker")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress::BoxError> {
/// use buttress::prelude::*;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let breaker = Breaker::new("orders", BreakerConfig::default());
/// let orders = ServiceBuilder::new()
///     .layer(BreakerLayer::client(&breaker))
///     .service_fn(|_: http::Request<reqwest::Body>| async {
///         // Stands for an `HttpClient`.
///         Ok::<_, BoxError>(http::Response::new(reqwest::Body::from("an order")))
///     });
///
/// let request = http::Request::get("http://orders.internal/7").body("".into())?;
/// let response = buttress::to_reqwest(orders.oneshot(request).await?);
/// assert_eq!(response.error_for_status()?.text().await?, "an order");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "breaker"))]
/// # fn main() {}
/// ```
///
/// The body still streams, and the layers observe it to its end. If it fails, the error is a [`reqwest::Error`] with
/// the error of the layers among its sources: [`Rejection::find`](crate::Rejection::find) and
/// [`classify_error`](crate::classify_error) read it like any other.
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub fn to_reqwest<B>(response: Response<B>) -> reqwest::Response
where
    B: Body<Data = <reqwest::Body as Body>::Data> + Send + Sync + 'static,
    B::Error: Into<BoxError>,
{
    response.map(reqwest::Body::wrap).into()
}

//! The engines. Each is a feature.

#[cfg(feature = "consul")]
pub mod consul;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "etcd")]
pub mod etcd;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

#[cfg(feature = "json-over-http")]
mod http;
#[cfg(any(feature = "json-over-http", feature = "etcd"))]
mod rotation;
#[cfg(all(feature = "tls", any(feature = "json-over-http", feature = "etcd")))]
mod secure;
#[cfg(any(feature = "etcd", feature = "json-over-http", feature = "zookeeper"))]
mod value;

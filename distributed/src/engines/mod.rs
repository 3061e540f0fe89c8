//! The engines. Each is a feature.

#[cfg(feature = "etcd")]
pub mod etcd;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "zookeeper")]
mod value;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

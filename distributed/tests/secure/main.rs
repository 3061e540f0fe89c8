//! TLS and credentials, on real servers with certificates that are made here.
//!
//! An engine whose server cannot be had on this machine is skipped: see the lines that begin with `SKIPPED`.
#![cfg(feature = "tls")]

mod certificates;
mod site;

#[cfg(feature = "consul")]
mod consul;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "postgres")]
mod postgres;
mod shown;
mod trust;
#[cfg(feature = "zookeeper")]
mod zookeeper;

macro_rules! tests {
    ($feature:literal $engine:ident: $($subject:ident::$test:ident)*) => {
        #[cfg(feature = $feature)]
        mod $engine {
            $(
                #[test]
                fn $test() {
                    crate::site::run(stringify!($engine), stringify!($test), crate::$subject::$test);
                }
            )*
        }
    };
}

/// What is so with each engine.
macro_rules! all {
    ($($feature:literal $engine:ident: $($subject:ident::$test:ident)*)*) => {
        mod on {
            $(tests! { $feature $engine:
                trust::a_lock_is_taken_by_tls
                trust::files_that_the_address_names_do_as_well
                trust::a_server_of_another_ca_is_refused
                trust::a_port_without_tls_is_refused
                shown::no_secret_is_printed
                $($subject::$test)*
            })*
        }
    };
}

all! {
    "consul" consul:
        trust::without_the_clients_certificate_it_is_refused
        consul::a_token_needs_no_more_than_is_written
        consul::a_wrong_token_is_refused
        consul::a_token_that_may_not_write_is_refused
    "dynamodb" dynamodb:
        dynamodb::a_key_needs_a_region
    "etcd" etcd:
        etcd::without_the_clients_certificate_nobody_gets_in
        etcd::a_user_needs_no_more_than_is_written
        etcd::a_wrong_password_is_refused
        etcd::another_token_is_asked_for_after_a_restart
    "postgres" postgres:
        postgres::without_the_clients_certificate_a_database_is_refused
        postgres::a_wrong_password_is_refused
        postgres::no_password_is_refused
    "zookeeper" zookeeper:
        trust::without_the_clients_certificate_it_is_refused
        zookeeper::what_is_one_users_is_refused_to_others
}

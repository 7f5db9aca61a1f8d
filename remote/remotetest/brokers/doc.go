// Package brokers starts real Pub/Sub services on loopback for tests, as processes that can be killed and started again.
//
// NATS, Google's own fake of its Pub/Sub, and a fake of Kafka are built from their modules. RabbitMQ is the
// system's, and an emulator of AWS and what a stand-in for Azure is made of are fetched by npm: a test over any of these is skipped by name where it is missing; with
// SETLOGGER_TEST_REQUIRED=1 in the environment it fails instead.
package brokers

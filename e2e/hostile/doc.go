// Package hostile sends the built binary what nobody should send: a table of requests over raw sockets, each with the
// answer that the contract has for it, and requests that a small grammar makes at random and spoils.
package hostile

// Package conn owns what a connection needs beside its requests: deadlines, a look at whether the peer is still
// there, and answers whose memory goes back when they are sent.
package conn

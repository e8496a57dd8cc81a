// Package auth knows who may do what: tokens with a name, scopes, and prefixes of the topics and groups that they are
// good for, kept in a file that holds no secret. It knows no protocol, so every door can ask it: one that sends the
// token itself (Find), and later one that only proves to know it (the SCRAM-SHA-256 verifier in the file).
package auth

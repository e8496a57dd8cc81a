// Package storm is clients that send each request again and again until it is answered, through a proxy that cuts their
// connections, and the judge of what is stored in the end: each request's records once, where its answer says.
package storm

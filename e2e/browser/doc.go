// Package browser shows that a real browser reads live streams as they are meant to be read. `make browser` installs
// what it needs; without FLASHQ_BROWSER, the folder of that, it runs nothing.
package browser

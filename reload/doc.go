// Package reload keeps what was read from files up to date: it looks at the files once a second, and has them read
// anew when they have changed, or when the process gets SIGHUP. Files that can't be used leave what was read before in
// force. It knows nothing of what the files hold.
package reload

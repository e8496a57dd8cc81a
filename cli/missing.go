package cli

import (
	"github.com/spf13/cobra"

	"flashq/client"
)

// missing tells once of what is not there to read: each stretch that is damaged, and a place beyond the end.
type missing struct {
	damaged map[int]int64 // where the last damage began of which it was said, by partition
	ahead   map[int]bool  // partitions of which it was said that the place is beyond the end
}

// tell gives whether there is damage in the page, said or not.
func (m *missing) tell(cmd *cobra.Command, page *client.Fetched) (spoilt bool) {
	if m.damaged == nil {
		m.damaged, m.ahead = map[int]int64{}, map[int]bool{}
	}
	untold := *page
	untold.Partitions = nil
	for _, p := range page.Partitions {
		if p.Beyond > 0 && m.ahead[p.Partition] {
			p.Beyond = 0
		} else if p.Beyond > 0 {
			m.ahead[p.Partition] = true
		}
		if p.Error != nil {
			spoilt = true
			if at, told := m.damaged[p.Partition]; told && at == p.Error.FirstOffset {
				continue
			}
			m.damaged[p.Partition] = p.Error.FirstOffset
		}
		untold.Partitions = append(untold.Partitions, p)
	}
	warn(cmd, &untold)
	return spoilt
}

// A page of memories as a real table: sorted and paged on the server, rows chosen in the browser.
export default {
  template: `
    <table class="pm-table">
      <caption class="pm-hidden">{{ caption }}</caption>
      <thead><tr>
        <th v-if="selectable" class="pm-cell-check" scope="col">
          <input type="checkbox" aria-label="Choose all on this page" :checked="allChosen" @change="chooseAll($event.target.checked)">
        </th>
        <th v-for="column in columns" :key="column.name" scope="col" :class="'pm-cell-' + column.name"
            :aria-sort="column.sort && column.sort === sorted ? (descending ? 'descending' : 'ascending') : undefined">
          <button v-if="column.sort" type="button" @click="$emit('sort', column.sort)">
            {{ column.label }}<span aria-hidden="true">{{ column.sort === sorted ? (descending ? ' ↓' : ' ↑') : '' }}</span>
          </button>
          <template v-else>{{ column.label }}</template>
        </th>
      </tr></thead>
      <tbody>
        <tr v-for="row in rows" :key="row.id" :class="{ 'pm-chosen': chosen.includes(row.id), 'pm-muted': row.state }">
          <td v-if="selectable" class="pm-cell-check">
            <input type="checkbox" :aria-label="'Choose ' + row.name" :checked="chosen.includes(row.id)" @change="choose(row.id, $event.target.checked)">
          </td>
          <td class="pm-cell-text">
            <a :href="row.address" :class="{ 'pm-plain-text': !row.title }">{{ row.title || row.text }}</a>
            <div v-if="row.title" class="pm-snippet">{{ row.text }}</div>
            <div v-if="row.tags.length || row.state" class="pm-tags">
              <span v-if="row.state" class="pm-badge pm-badge-warn">{{ row.state }}</span>
              <span v-for="tag in row.tags" :key="tag" class="pm-badge">{{ tag }}</span>
            </div>
          </td>
          <td class="pm-cell-kind"><span class="pm-badge pm-badge-accent">{{ row.kind }}</span></td>
          <td class="pm-cell-project">{{ row.project || '–' }}</td>
          <td class="pm-cell-importance"><span class="pm-meter" role="img" :aria-label="'importance ' + row.importance + ' of 10'" :title="row.importance + ' of 10'"><span :style="{ width: row.importance * 10 + '%' }"></span></span></td>
          <td class="pm-cell-uses">{{ row.uses }}</td>
          <td class="pm-cell-time"><time :datetime="row.instant" :title="row.exact">{{ row.when }}</time></td>
        </tr>
      </tbody>
    </table>`,
  props: { rows: Array, columns: Array, caption: String, selectable: Boolean, sorted: String, descending: Boolean, chosen: Array },
  emits: ["sort", "choose"],
  computed: {
    allChosen() {
      return this.rows.length > 0 && this.rows.every((row) => this.chosen.includes(row.id));
    },
  },
  methods: {
    choose(id, yes) {
      this.$emit("choose", yes ? [...this.chosen, id] : this.chosen.filter((one) => one !== id));
    },
    chooseAll(yes) {
      const here = this.rows.map((row) => row.id);
      this.$emit("choose", yes ? [...new Set([...this.chosen, ...here])] : this.chosen.filter((one) => !here.includes(one)));
    },
  },
};

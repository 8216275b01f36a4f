{{- define "crossfade.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "crossfade.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- $name := include "crossfade.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "crossfade.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "crossfade.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "crossfade.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "crossfade.selector" -}}
app.kubernetes.io/name: {{ include "crossfade.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "crossfade.labels" -}}
{{ include "crossfade.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The namespaces that are watched, as a YAML list; empty for all. */ -}}
{{- define "crossfade.namespaces" -}}
{{- if eq .Values.scope "namespace" -}}
{{- default (list .Release.Namespace) .Values.namespaces | toYaml }}
{{- end }}
{{- end }}

{{- /* A map as name=value,name=value. */ -}}
{{- define "crossfade.pairs" -}}
{{- $pairs := list }}
{{- range $name, $value := . }}
{{- $pairs = append $pairs (printf "%s=%s" $name $value) }}
{{- end }}
{{- join "," $pairs }}
{{- end }}

{{- /* The port of a URL. */ -}}
{{- define "crossfade.port" -}}
{{- $url := urlParse . }}
{{- $named := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) $named }}
{{- end }}

{{- /* How both monitors scrape. */ -}}
{{- define "crossfade.scrape" -}}
path: /metrics
# The label namespace of a release's metrics is the namespace of the release, as the alerts expect.
honorLabels: true
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- end }}

{{- /* What the operator may do in every namespace that it watches: tests/chart.rs holds the same list. */ -}}
{{- define "crossfade.rules" -}}
# The resource itself: patch sets and clears the finalizer.
- apiGroups: [crossfade.dev]
  resources: [frappereleases]
  verbs: [get, list, watch, patch]
- apiGroups: [crossfade.dev]
  resources: [frappereleases/status]
  verbs: [patch]
# web, socketio, workers and scheduler of both colours.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# A Service for each colour, the records and plans of the revisions, and their configuration, which holds the
# credentials of the sites: a Secret for each revision, made from those that the spec names.
- apiGroups: [""]
  resources: [services, configmaps, secrets]
  verbs: [get, list, watch, create, patch, delete]
# plan, isolate, expand, migrate, ... of each site.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Weights.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
# patch annotates a Pod, so that its kubelet refreshes the configuration at once.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
# Plans and progress come from the Jobs' logs.
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

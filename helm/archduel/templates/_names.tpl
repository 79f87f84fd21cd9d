{{- define "archduel.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 32 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 32 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 32 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "archduel.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "archduel.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The autoscaler beside the Ray head may change the RayCluster: KubeRay binds that right to this. */}}
{{- define "archduel.headServiceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- printf "%s-ray-head" (include "archduel.fullname" .) -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What never changes over upgrades: selectors are immutable. Called with (list root component). */}}
{{- define "archduel.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "archduel.labels" -}}
{{- $root := index . 0 -}}
{{ include "archduel.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* KubeRay selects its pods by app.kubernetes.io/name: theirs is not touched. (list root component). */}}
{{- define "archduel.rayLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The annotations of everything, and more where given: (list root dict). */}}
{{- define "archduel.annotations" -}}
{{- with merge (dict) (index . 1) (index . 0).Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* KubeRay names the Service of the head after the cluster. */}}
{{- define "archduel.rayCluster" -}}
{{- printf "%s-ray" (include "archduel.fullname" .) -}}
{{- end -}}

{{- define "archduel.rayHead" -}}
{{- printf "%s-head-svc" (include "archduel.rayCluster" .) -}}
{{- end -}}

{{/* An image by digest where one is given: (list repository tag digest). */}}
{{- define "archduel.imageName" -}}
{{- if index . 2 -}}
{{- printf "%s@%s" (index . 0) (index . 2) -}}
{{- else -}}
{{- printf "%s:%s" (index . 0) (index . 1) -}}
{{- end -}}
{{- end -}}

{{- define "archduel.image" -}}
{{- $image := .Values.image -}}
{{- include "archduel.imageName" (list $image.repository (default .Chart.AppVersion $image.tag) $image.digest) -}}
{{- end -}}

{{- define "archduel.gpuImage" -}}
{{- $image := .Values.image -}}
{{- $tag := default (printf "%s-gpu" (default .Chart.AppVersion $image.tag)) $image.gpuTag -}}
{{- include "archduel.imageName" (list $image.repository $tag $image.gpuDigest) -}}
{{- end -}}

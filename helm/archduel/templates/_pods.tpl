{{/* The restricted pod security standard. */}}
{{- define "archduel.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
runAsGroup: {{ .Values.podSecurity.runAsGroup }}
fsGroup: {{ .Values.podSecurity.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "archduel.containerSecurity" -}}
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What every pod of ours says of itself. */}}
{{- define "archduel.podBasics" -}}
serviceAccountName: {{ include "archduel.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "archduel.podSecurity" . | nindent 2 }}
{{- end -}}

{{/* Where a pod may run: one of the values' sections. */}}
{{- define "archduel.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "archduel.homeVolumes" -}}
- name: home
  emptyDir:
    sizeLimit: 10Gi
- name: tmp
  emptyDir:
    sizeLimit: 5Gi
{{ include "archduel.databaseVolume" . }}
{{- end -}}

{{- define "archduel.homeMounts" -}}
- name: home
  mountPath: /var/lib/archduel
- name: tmp
  mountPath: /tmp
{{ include "archduel.databaseMount" . }}
{{- end -}}

{{/* The certificate by which the database is known, where one is given. */}}
{{- define "archduel.databaseVolume" -}}
{{- with .Values.database }}
{{- if .caSecret -}}
- name: database-ca
  secret:
    secretName: {{ .caSecret }}
    items:
      - {key: {{ .caKey }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end -}}

{{- define "archduel.databaseMount" -}}
{{- if .Values.database.caSecret -}}
- name: database-ca
  mountPath: /etc/archduel/database
  readOnly: true
{{- end }}
{{- end -}}

{{/* CPUs as Ray counts them: whole ones, rounded up. */}}
{{- define "archduel.cores" -}}
{{- $text := toString . -}}
{{- if hasSuffix "m" $text -}}
{{- divf (trimSuffix "m" $text | float64) 1000 | ceil | int -}}
{{- else -}}
{{- $text | float64 | ceil | int -}}
{{- end -}}
{{- end -}}

{{/* Bytes of a quantity such as 2Gi or 512Mi. */}}
{{- define "archduel.bytes" -}}
{{- if hasSuffix "Gi" . -}}
{{- mul (trimSuffix "Gi" . | int64) 1073741824 -}}
{{- else -}}
{{- mul (trimSuffix "Mi" . | int64) 1048576 -}}
{{- end -}}
{{- end -}}
